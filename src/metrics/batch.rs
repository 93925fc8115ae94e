//! What is counted of runs that tasks share.

use metrics::{Histogram, histogram};

use super::catalogue::{BATCH_SIZE, BATCHES};
use super::label::BatchReason;
use super::tally::Tally;

/// The handles of one model. Two models of a process count into the same metrics.
#[derive(Debug)]
pub struct BatchMetrics {
    batches: Tally<BatchReason>,
    size: Histogram,
}

impl BatchMetrics {
    /// Makes the handles at the recorder that is installed now; without one they count nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            batches: Tally::new(BATCHES, "reason", &[]),
            size: histogram!(BATCH_SIZE),
        }
    }

    /// A run of so many tasks begins.
    pub fn began(&self, reason: BatchReason, tasks: usize) {
        self.batches.count(reason);
        self.size.record(tasks as f64);
    }
}

impl Default for BatchMetrics {
    fn default() -> Self {
        Self::new()
    }
}
