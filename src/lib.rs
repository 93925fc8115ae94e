//! Fairlane: a priority task mesh for model inference on NATS JetStream.
//!
//! Reading order: [`task`] says what a task is, [`scheduler`] who is served next, [`policy`] what
//! is to happen to a task, [`config`] where policy and settings come from, [`wire`] how all of it
//! is written as bytes, [`broker`] how the bytes travel. On these stand [`executor`], which runs
//! tasks, [`gateway`], which lets them in, the roles [`worker`] and [`coordinator`], and [`cli`];
//! [`dev`] is a server to try it on, and [`drill`] breaks it.

pub mod bench;
pub mod broker;
pub mod child;
pub mod cli;
pub mod clock;
pub mod config;
pub mod coordinator;
pub mod dev;
pub mod drill;
pub mod executor;
pub mod failpoint;
pub mod gateway;
pub mod lifecycle;
pub mod metrics;
pub mod policy;
pub mod scheduler;
pub mod sim;
pub mod task;
pub mod telemetry;
pub mod wire;
pub mod worker;
