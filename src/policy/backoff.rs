//! How long a failed task waits before it is tried again.

use crate::task::{ErrorKind, Task, fnv1a_64};

/// Back-off of one class: for every failure, and for kinds that differ.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryTable {
    /// What holds for kinds that are not named.
    pub rules: RetryRules,
    /// What holds for single kinds; invariant: each at most once, and only kinds that are tried again.
    pub kinds: Vec<(ErrorKind, RetryRules)>,
    /// Retries per minute that one coordinator grants with their usual delay; those beyond wait the longest.
    /// None: no bound. At least 1.
    pub budget_per_minute: Option<u32>,
}

/// Back-off between attempts.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryRules {
    /// How the delay grows.
    pub growth: Growth,
    /// Whether the delay is drawn from 0 to its bound (full jitter) or taken whole.
    pub full_jitter: bool,
    /// Executions that may fail before the task is dead; at least 1.
    pub max_attempts: u32,
}

/// How a delay grows with each failure.
#[derive(Debug, Clone, PartialEq)]
pub enum Growth {
    /// `base_ms · factor^failures`, up to `max_ms`.
    Exponential {
        /// Delay before the first retry, in ms.
        base_ms: u64,
        /// Growth per further attempt; at least 1.
        factor: f64,
        /// Bound on the delay, in ms; at least `base_ms`.
        max_ms: u64,
    },
    /// The same each time, in ms.
    Fixed(u64),
    /// One after the other, in ms; the last one stays. Invariant: not empty.
    List(Vec<u64>),
}

impl RetryTable {
    /// The rules for one kind of failure.
    #[must_use]
    pub fn of(&self, kind: ErrorKind) -> &RetryRules {
        let own = self.kinds.iter().find(|(named, _)| *named == kind);
        own.map_or(&self.rules, |(_, rules)| rules)
    }
}

impl RetryRules {
    /// The delay before `task` is tried again, in ms. Beyond the budget of its class it is the longest
    /// there is: many failures at once must not come back at once.
    pub(super) fn delay_ms(&self, task: &Task, in_budget: bool) -> u64 {
        if !in_budget {
            return self.growth.longest_ms();
        }
        let bound_ms = self.growth.bound_ms(task.attempt);
        if self.full_jitter {
            jittered(task, bound_ms)
        } else {
            bound_ms
        }
    }
}

impl Growth {
    /// The longest delay after `failed_before` earlier failures.
    fn bound_ms(&self, failed_before: u32) -> u64 {
        match self {
            Self::Fixed(ms) => *ms,
            Self::List(delays) => {
                let at = (failed_before as usize).min(delays.len().saturating_sub(1));
                delays.get(at).copied().unwrap_or(0)
            }
            Self::Exponential {
                base_ms,
                factor,
                max_ms,
            } => {
                // A float beyond u64, and infinity, become the largest u64.
                let grown = (*base_ms as f64 * factor.powf(f64::from(failed_before))) as u64;
                grown.min(*max_ms)
            }
        }
    }

    fn longest_ms(&self) -> u64 {
        match self {
            Self::Fixed(ms) => *ms,
            Self::List(delays) => delays.iter().copied().max().unwrap_or(0),
            Self::Exponential { max_ms, .. } => *max_ms,
        }
    }
}

/// Full jitter, from 0 to `bound_ms`: FNV-1a-64 of `<task_id>:<hop>` modulo `bound_ms + 1`.
fn jittered(task: &Task, bound_ms: u64) -> u64 {
    let hash = fnv1a_64(format!("{}:{}", task.id, task.hop).as_bytes());
    bound_ms.checked_add(1).map_or(hash, |range| hash % range)
}
