//! What a worker counts about the tasks of one class on one lane.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, SharedString, counter, gauge, histogram};

use super::catalogue::{EXECUTION, FENCE_REFUSALS, IN_FLIGHT, QUEUE_WAIT, TASKS};
use super::label::TaskOutcome;
use super::tally::Tally;
use crate::task::{ClassName, Lane};

/// The handles of one class on one lane. Every [`started`](Self::started) is followed by one
/// [`finished`](Self::finished).
#[derive(Debug)]
pub struct ClassMetrics {
    in_flight: Gauge,
    outcomes: Tally<TaskOutcome>,
    wait: Histogram,
    execution: Histogram,
    /// Not of this class alone.
    fence_refusals: Counter,
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
            fence_refusals: counter!(FENCE_REFUSALS),
        }
    }

    /// A delivery takes a slot.
    pub fn started(&self) {
        self.in_flight.increment(1.0);
    }

    /// It gives the slot back: it started `wait` after its publication and ran for `execution`.
    /// Times count only where something was executed to its end.
    pub fn finished(&self, outcome: TaskOutcome, wait: Duration, execution: Duration) {
        self.in_flight.decrement(1.0);
        self.outcomes.count(outcome);
        match outcome {
            TaskOutcome::Completed | TaskOutcome::Failed(_) => {
                self.wait.record(wait);
                self.execution.record(execution);
            }
            TaskOutcome::AlreadyDecided => self.fence_refusals.increment(1),
            TaskOutcome::Malformed
            | TaskOutcome::Expired
            | TaskOutcome::Parked
            | TaskOutcome::Blocked
            | TaskOutcome::HandedBack => {}
        }
    }
}
