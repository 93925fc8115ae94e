//! When a result that was not taken is brought again.

use super::CallbackRules;
use super::retry::RETRY_AFTER_MS_MAX;
use crate::task::{TaskId, fnv1a_64};

/// How a delivery failed, as far as the next depends on it.
#[derive(Debug, Clone, Copy)]
pub struct FailedDelivery<'a> {
    /// Whose result it is.
    pub task_id: &'a TaskId,
    /// Deliveries before this one.
    pub tries_before: u32,
    /// The least delay the receiver asked for, in ms.
    pub retry_after_ms: Option<u64>,
}

/// How long until the next delivery, in ms; none when it is given up. Exponential with full jitter:
/// from 0 to `base_ms · factor^tries`, bounded by `max_ms`, drawn by FNV-1a-64 of `<task_id>:<tries>`
/// so that two coordinators come to the same.
#[must_use]
pub fn next_delivery(rules: &CallbackRules, failed: &FailedDelivery<'_>) -> Option<u64> {
    let tries = failed.tries_before.saturating_add(1);
    if tries >= rules.max_attempts {
        return None;
    }
    // A float beyond u64, and infinity, become the largest u64.
    let grown = (rules.base_ms as f64 * rules.factor.powf(f64::from(failed.tries_before))) as u64;
    let bound_ms = grown.min(rules.max_ms);
    let drawn = fnv1a_64(format!("{}:{tries}", failed.task_id).as_bytes());
    let delay_ms = bound_ms.checked_add(1).map_or(drawn, |range| drawn % range);
    let asked_ms = failed.retry_after_ms.unwrap_or(0).min(RETRY_AFTER_MS_MAX);
    Some(delay_ms.max(asked_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: CallbackRules = CallbackRules {
        base_ms: 1000,
        factor: 2.0,
        max_ms: 5000,
        max_attempts: 5,
        timeout_ms: 100,
    };

    fn next(tries_before: u32, retry_after_ms: Option<u64>) -> Option<u64> {
        let task_id = TaskId::new("t").unwrap();
        let failed = FailedDelivery {
            task_id: &task_id,
            tries_before,
            retry_after_ms,
        };
        next_delivery(&RULES, &failed)
    }

    #[test]
    fn delays_stay_under_a_bound_that_grows_and_end_with_the_last_attempt() {
        for (tries, bound) in [(0, 1000), (1, 2000), (2, 4000), (3, 5000)] {
            let delay = next(tries, None).unwrap();
            assert!(delay <= bound, "{tries}: {delay}");
            assert_eq!(next(tries, None), Some(delay), "the same for every coordinator");
        }
        assert_eq!(next(4, None), None);
        assert_eq!(next(u32::MAX, None), None);
    }

    #[test]
    fn a_receiver_may_ask_for_patience_within_a_day() {
        assert_eq!(next(0, Some(60_000)), Some(60_000));
        assert_eq!(next(0, Some(u64::MAX)), Some(RETRY_AFTER_MS_MAX));
    }
}
