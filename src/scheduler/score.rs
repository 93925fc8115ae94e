//! A weighted sum of urgency, business weight and wait, each from 0 to 1.
//!
//! The wait counts as `1 − exp(−wait / horizon)`: it starts at 0, never falls, and never quite reaches 1, so that of
//! two heads that have waited for long the older one is still ahead. A deadline that is nearer than the horizon takes
//! its place, so that the score of a task rises faster the less time it has.

use super::facts::Head;
use super::merit::{Curve, Merit};
use super::rules::ScoreWeights;

/// What urgency and business weight are divided by.
const SCALE: f64 = 10.0;
/// A deadline that has passed, or is about to, counts as this far away, in s.
const HORIZON_S_MIN: f64 = 0.01;

/// Its place among the heads.
pub(super) fn merit(head: &Head, weights: &ScoreWeights) -> Merit {
    let part = |value: f64| (value / SCALE).clamp(0.0, 1.0);
    let until = head
        .deadline
        .map_or(f64::INFINITY, |at| at.since(head.since).as_secs_f64());
    let curve = Curve::Closing {
        base: weights.urgency * part(head.urgency) + weights.business * part(head.business_weight),
        gain: weights.time,
        horizon_s: (weights.horizon_ms / 1000.0).min(until).max(HORIZON_S_MIN),
    };
    Merit::new(0, curve, head.since)
}
