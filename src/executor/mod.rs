//! Executors: what a worker runs a task on. Each one is a module here; `embed` is a real model.

#[cfg(feature = "embed")]
pub mod embed;
