//! How a pull came out, as it is counted.

use crate::metrics;
use crate::scheduler::intake::PullOutcome;

impl From<PullOutcome> for metrics::PullOutcome {
    fn from(outcome: PullOutcome) -> Self {
        match outcome {
            PullOutcome::Filled => Self::Filled,
            PullOutcome::Partial => Self::Partial,
            PullOutcome::Empty => Self::Empty,
            PullOutcome::Limited => Self::Limited,
            PullOutcome::Overdue => Self::Overdue,
            PullOutcome::Refused => Self::Refused,
        }
    }
}
