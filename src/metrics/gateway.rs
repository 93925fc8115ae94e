//! What a gateway counts.

use std::time::Duration;

use metrics::{Histogram, histogram};

use super::catalogue::{SUBMISSION, SUBMISSIONS};
use super::label::{Door, Label, SubmissionOutcome};
use super::tally::Tally;

/// The handles of a gateway.
#[derive(Debug)]
pub struct GatewayMetrics {
    rest: Tally<SubmissionOutcome>,
    nats: Tally<SubmissionOutcome>,
    took: Histogram,
}

impl GatewayMetrics {
    /// Makes the handles at the recorder that is installed now; without one they count nothing.
    #[must_use]
    pub fn new() -> Self {
        let submissions = |door: Door| Tally::new(SUBMISSIONS, "outcome", &[("door", door.text().into())]);
        Self {
            rest: submissions(Door::Rest),
            nats: submissions(Door::Nats),
            took: histogram!(SUBMISSION),
        }
    }

    /// A submission was answered.
    pub fn submission(&self, door: Door, outcome: SubmissionOutcome, took: Duration) {
        match door {
            Door::Rest => self.rest.count(outcome),
            Door::Nats => self.nats.count(outcome),
        }
        self.took.record(took.as_secs_f64());
    }
}

impl Default for GatewayMetrics {
    fn default() -> Self {
        Self::new()
    }
}
