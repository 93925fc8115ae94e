//! The earliest deadline first.

use std::time::Duration;

use super::facts::Head;
use super::merit::{Curve, Merit};
use super::rules::ClassTerms;
use super::tournament::nanos;
use crate::task::Moment;

/// Where neither the task nor its class says anything: behind all who do, in order of arrival.
const NO_DEADLINE: Duration = Duration::from_secs(366 * 86_400);

/// When the answer has to be there: the task's own deadline, else its arrival and its class's SLO.
#[must_use]
pub fn deadline(head: &Head, terms: &ClassTerms) -> Option<Moment> {
    let by_class = || terms.slo_ms.map(|ms| head.since + Duration::from_millis(ms));
    head.deadline.or_else(by_class)
}

/// Whether a task that starts at `now` is done by its own deadline, as far as can be told. What its class should keep
/// to puts it in order, but an answer that is late by that is still worth having.
///
/// What a task says of its own cost counts. What is merely expected of its class, `expected_ms` of one slot, does so
/// only once half of the task's time is gone: an estimate that errs would otherwise give up every task of a class at
/// once, and never learn better.
#[must_use]
pub fn is_feasible(head: &Head, expected_ms: f64, now: Moment) -> bool {
    let Some(deadline) = head.deadline else {
        return true;
    };
    let cost_ms = match head.cost_ms {
        Some(own_ms) => own_ms,
        None if now.since(head.since) * 2 < deadline.since(head.since) => 0.0,
        None => expected_ms,
    };
    let cost = Duration::try_from_secs_f64(cost_ms / 1000.0).unwrap_or(Duration::MAX);
    now + cost <= deadline
}

/// Its place among the heads.
pub(super) fn merit(head: &Head, terms: &ClassTerms) -> Merit {
    let due = deadline(head, terms).unwrap_or(head.since + NO_DEADLINE);
    Merit::new(nanos(due), Curve::Flat(0.0), head.since)
}
