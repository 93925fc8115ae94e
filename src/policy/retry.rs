//! What follows a failed execution: again, dead, or nothing more.

use super::{Policy, RetryKind, RetryRules};
use crate::task::{DeadReason, EpochMs, ErrorKind, Task, fnv1a_64};

/// The longest wait an engine may ask for: a day. A longer one would be a task that never ends.
pub(super) const RETRY_AFTER_MS_MAX: u64 = 86_400_000;

/// A failure report, as far as the verdict depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    /// The task as it was when it ran.
    pub task: &'a Task,
    /// What went wrong.
    pub kind: ErrorKind,
    /// The least delay the engine asked for, in ms; a day at most counts.
    pub retry_after_ms: Option<u64>,
    /// When the worker reported; the delay counts from here, so that whoever reads the report
    /// again comes to the same time.
    pub reported_at: EpochMs,
    /// Timeouts of the task in the lowest running lane, this one included; 0 where nobody counts.
    pub timeouts: u32,
}

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Run it again.
    Retry {
        /// Not before this time.
        at: EpochMs,
        /// Its attempt from then on.
        attempt: u32,
        /// Its hop from then on.
        hop: u32,
    },
    /// Make it a dead letter.
    Dead {
        /// Why.
        reason: DeadReason,
    },
    /// Record that it was cancelled.
    Cancelled,
}

/// Decides. A pure function of the report, so that two coordinators that read the same report
/// publish the same message.
#[must_use]
pub fn verdict(policy: &Policy, failed: &Failed<'_>) -> Verdict {
    let dead = |reason| Verdict::Dead { reason };
    match failed.kind {
        ErrorKind::Permanent => dead(DeadReason::Permanent),
        ErrorKind::Malformed => dead(DeadReason::Malformed),
        ErrorKind::SuspectedPoison => dead(DeadReason::Poison),
        ErrorKind::ResultTooLarge => dead(DeadReason::ResultTooLarge),
        ErrorKind::Cancelled => Verdict::Cancelled,
        ErrorKind::Yielded => again(policy, failed, failed.task.attempt),
        ErrorKind::Retryable | ErrorKind::RateLimited | ErrorKind::NoModel => {
            after_attempt(policy, failed, DeadReason::AttemptsExhausted)
        }
        ErrorKind::Timeout if failed.timeouts >= policy.bounds.max_timeouts => dead(DeadReason::Timeout),
        ErrorKind::Timeout => after_attempt(policy, failed, DeadReason::Timeout),
    }
}

/// Counts the failed attempt and retries, or buries the task for `exhausted`.
fn after_attempt(policy: &Policy, failed: &Failed<'_>, exhausted: DeadReason) -> Verdict {
    let attempt = failed.task.attempt.saturating_add(1);
    let max_attempts = failed
        .task
        .facts
        .max_attempts
        .unwrap_or(policy.retry.max_attempts);
    if attempt >= max_attempts {
        return Verdict::Dead { reason: exhausted };
    }
    again(policy, failed, attempt)
}

fn again(policy: &Policy, failed: &Failed<'_>, attempt: u32) -> Verdict {
    let task = failed.task;
    if task.hop >= policy.bounds.max_hops {
        return Verdict::Dead {
            reason: DeadReason::HopLimit,
        };
    }
    let bound_ms = bound_ms(&policy.retry, task.attempt);
    let delay_ms = if policy.retry.full_jitter {
        jittered(task, bound_ms)
    } else {
        bound_ms
    };
    let at = failed
        .reported_at
        .plus_ms(delay_ms.max(failed.retry_after_ms.unwrap_or(0).min(RETRY_AFTER_MS_MAX)));
    Verdict::Retry {
        at,
        attempt,
        hop: task.hop.saturating_add(1),
    }
}

/// The longest delay after `failed_before` earlier failures: grows with each, up to `max_ms`.
fn bound_ms(rules: &RetryRules, failed_before: u32) -> u64 {
    let grown = match rules.kind {
        RetryKind::Fixed => rules.base_ms,
        // A float beyond u64, and infinity, become the largest u64.
        RetryKind::Exponential => (rules.base_ms as f64 * rules.factor.powf(f64::from(failed_before))) as u64,
    };
    grown.min(rules.max_ms)
}

/// Full jitter, from 0 to `bound_ms`: FNV-1a-64 of `<task_id>:<hop>` modulo `bound_ms + 1`.
fn jittered(task: &Task, bound_ms: u64) -> u64 {
    let hash = fnv1a_64(format!("{}:{}", task.id, task.hop).as_bytes());
    bound_ms.checked_add(1).map_or(hash, |range| hash % range)
}
