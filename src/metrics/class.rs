//! What a worker counts about the tasks of one class on one lane.

use std::time::Duration;

use metrics::{Gauge, Histogram, SharedString, gauge, histogram};

use super::catalogue::{EXECUTION, IN_FLIGHT, QUEUE_WAIT, TASKS};
use super::label::Outcome;
use super::tally::Tally;
use crate::task::{ClassName, Lane};

/// The handles of one class on one lane. Every [`started`](Self::started) is followed by one
/// [`finished`](Self::finished) or one [`abandoned`](Self::abandoned).
pub struct ClassMetrics {
    in_flight: Gauge,
    outcomes: Tally<Outcome>,
    wait: Histogram,
    execution: Histogram,
}

impl ClassMetrics {
    pub(super) fn new(lane: Lane, class: &ClassName) -> Self {
        let labels: [(&str, SharedString); 2] = [
            ("lane", lane.as_str().into()),
            ("class", class.as_str().to_owned().into()),
        ];
        Self {
            in_flight: gauge!(IN_FLIGHT, &labels),
            outcomes: Tally::new(TASKS, "outcome", &labels),
            wait: histogram!(QUEUE_WAIT, &labels),
            execution: histogram!(EXECUTION, &labels),
        }
    }

    /// An execution begins, `wait` after the task's publication.
    pub fn started(&self, wait: Duration) {
        self.in_flight.increment(1.0);
        self.wait.record(wait);
    }

    /// An execution ended after `execution`.
    pub fn finished(&self, outcome: Outcome, execution: Duration) {
        self.in_flight.decrement(1.0);
        self.outcomes.count(outcome);
        self.execution.record(execution);
    }

    /// An execution was given up without an outcome, as on a hard stop: the task is redelivered.
    pub fn abandoned(&self) {
        self.in_flight.decrement(1.0);
    }
}
