//! Fairlane: a priority task mesh for model inference on NATS JetStream.
//!
//! Reading order: [`task`] says what a task is, [`policy`] what is to happen to it,
//! [`wire`] how both are written as bytes.

pub mod policy;
pub mod scheduler;
pub mod task;
pub mod wire;
