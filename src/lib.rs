//! Fairlane: a priority task mesh for model inference on NATS JetStream.
//!
//! Reading order: [`task`] says what a task is, [`policy`] what is to happen to it, [`config`]
//! how people say so.

pub mod config;
pub mod policy;
pub mod task;
