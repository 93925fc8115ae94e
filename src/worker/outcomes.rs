//! How pulls came out, as they are counted.

use crate::metrics;
use crate::scheduler::intake::PullOutcome;

pub(super) const fn label(outcome: PullOutcome) -> metrics::PullOutcome {
    match outcome {
        PullOutcome::Filled => metrics::PullOutcome::Filled,
        PullOutcome::Partial => metrics::PullOutcome::Partial,
        PullOutcome::Empty => metrics::PullOutcome::Empty,
        PullOutcome::Limited => metrics::PullOutcome::Limited,
        PullOutcome::Overdue => metrics::PullOutcome::Overdue,
        PullOutcome::Refused => metrics::PullOutcome::Refused,
    }
}
