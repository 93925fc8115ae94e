//! Fairlane: a priority task mesh for model inference on NATS JetStream.
//!
//! Reading order: [`task`] says what a task is.

pub mod executor;
pub mod task;
