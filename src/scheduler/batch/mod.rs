//! Which tasks share one run of a model, and when it begins.
//!
//! For back ends that take a batch at a time. One that batches continuously by itself is given its tasks as they
//! come.

mod batcher;
#[cfg(test)]
mod tests;

pub use batcher::{Batch, BatchKey, Batcher, Limits, Reason};
