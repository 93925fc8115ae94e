//! From what is seen to the level that holds.
//!
//! A level is entered at a threshold and left below a lower one, stays for a least time, and changes by one step: what
//! swings between the two thresholds changes nothing.

use std::fmt;
use std::str::FromStr;

use super::rules::{Level, OverloadRules};
use crate::task::EpochMs;

/// What is known of the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Workers {
    /// Nothing.
    #[default]
    Unknown,
    /// There is none.
    Gone,
    /// At least one is there.
    Alive,
}

/// What a coordinator sees of the whole mesh. What somebody holds back counts nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pressure {
    /// Tasks that wait on the lanes.
    pub waiting: u64,
    /// For how long the oldest of them has, in ms.
    pub oldest_ms: u64,
    /// Tasks that leave the lanes, per second, while tasks wait; none where that was never seen.
    pub drain_per_s: Option<f64>,
    /// How full the fullest lane is, 0 to 1, in tasks or bytes.
    pub lane_full: f64,
    /// How full the archive is, 0 to 1.
    pub archive_full: f64,
    /// The part of the storage quota that reports and retries take.
    pub retry_full: f64,
    /// Whether tasks that overload put aside lie in the archive for want of room on their lanes.
    pub is_archive_in_use: bool,
    /// Whether anybody works.
    pub workers: Workers,
}

/// Why a level holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Nothing is wrong.
    Calm,
    /// What a task waits, by the backlog and by how fast it shrinks.
    Backlog,
    /// What the oldest task has waited.
    Age,
    /// A lane is about to be full.
    Lane,
    /// The archive is about to be full.
    Archive,
    /// Retries take too much of the storage.
    Retries,
    /// Nobody works.
    Workers,
    /// What was put aside has not gone back yet.
    Aside,
}

/// The level that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub level: Level,
    /// Why it was entered.
    pub cause: Cause,
    /// Since when.
    pub since: EpochMs,
}

impl Cause {
    /// Every one.
    pub const ALL: [Cause; 8] = [
        Cause::Calm,
        Cause::Backlog,
        Cause::Age,
        Cause::Lane,
        Cause::Archive,
        Cause::Retries,
        Cause::Workers,
        Cause::Aside,
    ];

    /// The word programs go by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Backlog => "backlog",
            Self::Age => "age",
            Self::Lane => "lane_full",
            Self::Archive => "archive_full",
            Self::Retries => "retries",
            Self::Workers => "no_workers",
            Self::Aside => "archive_in_use",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Cause {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|cause| cause.as_str() == text);
        found.ok_or_else(|| format!("no cause {text:?}"))
    }
}

impl Standing {
    /// A mesh of which nothing is known.
    #[must_use]
    pub const fn calm(since: EpochMs) -> Self {
        Self {
            level: Level::Calm,
            cause: Cause::Calm,
            since,
        }
    }
}

/// The level that holds from now on: the same, or the next one up or down.
#[must_use]
pub fn step(rules: &OverloadRules, standing: Standing, seen: &Pressure, now: EpochMs) -> Standing {
    let Standing { level, since, .. } = standing;
    if now.since(since) < rules.hold_ms {
        return standing;
    }
    let to = |level, cause| Standing {
        level,
        cause,
        since: now,
    };
    if let Some(cause) = asks_for(rules, seen, level.up(), 1.0).filter(|_| level != Level::CoreOnly) {
        return to(level.up(), cause);
    }
    let stays = level == Level::Calm || asks_for(rules, seen, level, rules.leave_at).is_some();
    // New tasks would overtake those aside, and push the level up again.
    if stays || (level == Level::Archive && seen.is_archive_in_use) {
        return standing;
    }
    let below = level.down();
    let cause = asks_for(rules, seen, below, rules.leave_at).unwrap_or(match below {
        Level::Archive if seen.is_archive_in_use => Cause::Aside,
        _ => Cause::Calm,
    });
    to(below, cause)
}

/// Whether reports and timers take too much of the storage from now on, if they did so before: with the same two
/// thresholds as the level that this asks for.
#[must_use]
pub fn is_retry_full(rules: &OverloadRules, before: bool, seen: &Pressure) -> bool {
    let part = if before { rules.leave_at } else { 1.0 };
    seen.retry_full >= rules.retry_full * part
}

/// Why `level`, or one above, is asked for, with every threshold lowered to this part. What asks for a level asks for
/// those below it.
fn asks_for(rules: &OverloadRules, seen: &Pressure, level: Level, part: f64) -> Option<Cause> {
    let index = match level {
        Level::Calm => return None,
        Level::RejectLower => 0,
        Level::Archive => 1,
        Level::CoreOnly => 2,
    };
    let wait_s = rules.wait_s[index] as f64 * part;
    let is_deep = seen.waiting as f64 >= (rules.depth_min as f64 * part).max(1.0);
    let by_rate = seen.drain_per_s.map_or(0.0, |rate| seen.waiting as f64 / rate);
    let causes = [
        (Cause::Lane, seen.lane_full >= rules.full[index] * part),
        (Cause::Archive, seen.archive_full >= rules.full[2] * part),
        (
            Cause::Retries,
            level <= Level::Archive && seen.retry_full >= rules.retry_full * part,
        ),
        (Cause::Backlog, is_deep && by_rate >= wait_s),
        (Cause::Age, is_deep && seen.oldest_ms as f64 / 1000.0 >= wait_s),
        (
            Cause::Workers,
            level <= rules.no_workers && seen.workers == Workers::Gone && seen.waiting > 0,
        ),
    ];
    causes
        .into_iter()
        .find(|(_, holds)| *holds)
        .map(|(cause, _)| cause)
}
