//! What a coordinator counts.

use metrics::{Gauge, counter, gauge};

use super::catalogue::{CONSUMERS, DEAD_LETTERS, REPORTS, RETRIES, UNCOVERED};
use super::label::Uncovered;
use super::tally::Tally;
use crate::task::{ClassName, DeadReason, ErrorKind, Lane};

/// The handles of a coordinator. Metrics with a class are looked up each time: a verdict waits
/// for the disk of the server, which takes a thousand times longer.
pub struct CoordinatorMetrics {
    reports: Tally<ErrorKind>,
    uncovered: Tally<Uncovered>,
    consumers: Gauge,
}

impl CoordinatorMetrics {
    /// Makes the handles at the recorder that is installed now; without one they count nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            reports: Tally::new(REPORTS, "kind", &[]),
            uncovered: Tally::new(UNCOVERED, "action", &[]),
            consumers: gauge!(CONSUMERS),
        }
    }

    /// A failure report was read.
    pub fn reported(&self, kind: ErrorKind) {
        self.reports.count(kind);
    }

    /// A task was scheduled for another attempt.
    pub fn retried(&self, lane: Lane, class: &ClassName) {
        counter!(RETRIES, "lane" => lane.as_str(), "class" => class.as_str().to_owned()).increment(1);
    }

    /// A task was given up.
    pub fn dead_lettered(&self, class: &ClassName, reason: DeadReason) {
        counter!(DEAD_LETTERS, "class" => class.as_str().to_owned(), "reason" => reason.as_str())
            .increment(1);
    }

    /// A subject without a consumer was found and dealt with.
    pub fn uncovered(&self, action: Uncovered) {
        self.uncovered.count(action);
    }

    /// How many consumers the lanes have.
    pub fn consumers(&self, count: usize) {
        self.consumers.set(count as f64);
    }
}

impl Default for CoordinatorMetrics {
    fn default() -> Self {
        Self::new()
    }
}
