//! What follows a failed execution: again, lower, parked, ended, or nothing more.

use super::{OnTimeout, Policy, RUN_AHEAD_MS_MAX};
use crate::task::{DeadReason, EpochMs, ErrorKind, Lane, Task};

/// The longest wait an engine may ask for: a day. A longer one would be a task that never ends.
pub(super) const RETRY_AFTER_MS_MAX: u64 = 86_400_000;

/// A failure report, as far as the verdict depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    /// The task as it was when it ran.
    pub task: &'a Task,
    /// What went wrong.
    pub kind: ErrorKind,
    /// The least delay that was asked for, in ms; a day at most counts, of a task that came before its time
    /// [`RUN_AHEAD_MS_MAX`].
    pub retry_after_ms: Option<u64>,
    /// When the worker reported; the delay counts from here, so that whoever reads the report
    /// again comes to the same time.
    pub reported_at: EpochMs,
    /// Timeouts of the task in the lane it ran in, this one included.
    pub timeouts: u32,
    /// Whether its class may still be tried again with the usual delay.
    pub in_budget: bool,
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
    /// Run it in a lower lane, where it has more time. No attempt is counted against it there.
    Demote {
        /// Which.
        lane: Lane,
        /// Its hop from then on.
        hop: u32,
    },
    /// Put it into the archive, until somebody takes it out.
    Park,
    /// Make it a dead letter.
    Dead {
        /// Why.
        reason: DeadReason,
    },
    /// Record that its deadline passed.
    Expired,
    /// Record that it was cancelled.
    Cancelled,
}

/// Decides. A pure function of the report, so that two coordinators that read the same report
/// publish the same message; only the budget may differ between them, and with it the time.
#[must_use]
pub fn verdict(policy: &Policy, failed: &Failed<'_>) -> Verdict {
    let dead = |reason| Verdict::Dead { reason };
    match failed.kind {
        ErrorKind::Permanent => dead(DeadReason::Permanent),
        ErrorKind::Malformed => dead(DeadReason::Malformed),
        ErrorKind::SuspectedPoison => dead(DeadReason::Poison),
        ErrorKind::ResultTooLarge => dead(DeadReason::ResultTooLarge),
        ErrorKind::Cancelled => Verdict::Cancelled,
        _ if is_expired(failed.task, failed.reported_at) => Verdict::Expired,
        ErrorKind::Yielded => again(policy, failed, failed.task.attempt),
        ErrorKind::Retryable | ErrorKind::RateLimited | ErrorKind::NoModel => {
            after_attempt(policy, failed, DeadReason::AttemptsExhausted)
        }
        ErrorKind::Timeout => timed_out(policy, failed),
    }
}

/// Whether the answer of `task` is of no use any more at `now`.
#[must_use]
pub fn is_expired(task: &Task, now: EpochMs) -> bool {
    task.facts.deadline.is_some_and(|deadline| deadline <= now)
}

/// A lower lane gives more time, so a timeout in a higher one is no failed attempt. In the lowest one
/// every timeout counts, whoever takes the task out of the archive in between.
fn timed_out(policy: &Policy, failed: &Failed<'_>) -> Verdict {
    let task = failed.task;
    let (on_timeout, lower) = (policy.lane(task.lane).on_timeout, task.lane.lower());
    if lower.is_none() && failed.timeouts >= policy.bounds.max_timeouts {
        return Verdict::Dead {
            reason: DeadReason::Timeout,
        };
    }
    let is_hop_left = task.hop < policy.bounds.max_hops;
    match (on_timeout, lower) {
        (OnTimeout::Demote, Some(_)) | (OnTimeout::Archive, _) if !is_hop_left => Verdict::Dead {
            reason: DeadReason::HopLimit,
        },
        (OnTimeout::Demote, Some(lane)) => Verdict::Demote {
            lane,
            hop: task.hop.saturating_add(1),
        },
        (OnTimeout::Archive, _) => Verdict::Park,
        (OnTimeout::Retry, _) | (OnTimeout::Demote, None) => {
            after_attempt(policy, failed, DeadReason::Timeout)
        }
    }
}

/// Counts the failed attempt and retries, or buries the task for `exhausted`.
fn after_attempt(policy: &Policy, failed: &Failed<'_>, exhausted: DeadReason) -> Verdict {
    let task = failed.task;
    let attempt = task.attempt.saturating_add(1);
    let allowed = policy.retry_of(&task.class).of(failed.kind).max_attempts;
    if attempt >= task.facts.max_attempts.unwrap_or(allowed) {
        return Verdict::Dead { reason: exhausted };
    }
    again(policy, failed, attempt)
}

/// A slot that is given back may be for a task that came before its time.
const fn asked_ms_max(kind: ErrorKind) -> u64 {
    match kind {
        ErrorKind::Yielded => RUN_AHEAD_MS_MAX,
        _ => RETRY_AFTER_MS_MAX,
    }
}

fn again(policy: &Policy, failed: &Failed<'_>, attempt: u32) -> Verdict {
    let task = failed.task;
    if task.hop >= policy.bounds.max_hops {
        return Verdict::Dead {
            reason: DeadReason::HopLimit,
        };
    }
    let rules = policy.retry_of(&task.class).of(failed.kind);
    let asked_ms = failed.retry_after_ms.unwrap_or(0).min(asked_ms_max(failed.kind));
    let delay_ms = rules.delay_ms(task, failed.in_budget).max(asked_ms);
    let at = failed.reported_at.plus_ms(delay_ms);
    if is_expired(task, at) {
        return Verdict::Expired;
    }
    Verdict::Retry {
        at,
        attempt,
        hop: task.hop.saturating_add(1),
    }
}
