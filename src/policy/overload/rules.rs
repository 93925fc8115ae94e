//! What the policy says about overload.

use std::fmt;

/// A step of the ladder. Each adds to the one below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Level {
    /// 0: every task is taken.
    #[default]
    Calm,
    /// 1: lanes with `on_overload: reject_lower` refuse tasks that are not among their most urgent.
    RejectLower,
    /// 2: lanes with `on_overload: archive` put new tasks aside.
    Archive,
    /// 3: normal takes nothing at all.
    CoreOnly,
}

impl Level {
    /// Every level, rising.
    pub const ALL: [Level; 4] = [Level::Calm, Level::RejectLower, Level::Archive, Level::CoreOnly];

    /// Its number, 0 to 3.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Calm => 0,
            Self::RejectLower => 1,
            Self::Archive => 2,
            Self::CoreOnly => 3,
        }
    }

    /// The level of that number; none above 3.
    #[must_use]
    pub fn of_number(number: u64) -> Option<Level> {
        usize::try_from(number)
            .ok()
            .and_then(|n| Self::ALL.get(n))
            .copied()
    }

    /// The next one up; the last one stays.
    #[must_use]
    pub const fn up(self) -> Level {
        match self {
            Self::Calm => Self::RejectLower,
            Self::RejectLower => Self::Archive,
            Self::Archive | Self::CoreOnly => Self::CoreOnly,
        }
    }

    /// The next one down; the first one stays.
    #[must_use]
    pub const fn down(self) -> Level {
        match self {
            Self::Calm | Self::RejectLower => Self::Calm,
            Self::Archive => Self::RejectLower,
            Self::CoreOnly => Self::Archive,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

/// What is done at submission with a task that cannot meet its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInfeasible {
    /// It is taken like any other, and ends as expired.
    Accept,
    /// It is refused where that is certain: its deadline has passed.
    Certain,
    /// It is also refused where half of the backlog ahead of it would last for longer than it has.
    Expected,
}

/// When a level is entered and left, and what follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OverloadRules {
    /// What a new task would wait, in s, from which on levels 1, 2 and 3 are entered. Invariant: rising.
    pub wait_s: [u64; 3],
    /// The same as a part of what the fullest lane may hold, 0 to 1; the last one also of what the archive may hold.
    /// Invariant: rising.
    pub full: [f64; 3],
    /// Part of the storage quota, 0 to 1, from which on retries that wait are level 2.
    pub retry_full: f64,
    /// The storage quota in bytes, where the account has none of its own.
    pub storage_bytes: Option<u64>,
    /// A level is left below this part of what it is entered at; more than 0, less than 1.
    pub leave_at: f64,
    /// Fewer tasks than this may wait for as long as they like.
    pub depth_min: u64,
    /// The least time on a level, in ms.
    pub hold_ms: u64,
    /// The level that holds at the least while tasks wait and no worker is there.
    pub no_workers: Level,
    /// The most tasks that are put back from the archive, per s; at least 1.
    pub archive_drain_per_s: u32,
    /// What is done with a task that cannot meet its deadline.
    pub infeasible: OnInfeasible,
}

impl Default for OverloadRules {
    fn default() -> Self {
        Self {
            wait_s: [30, 60, 3_600],
            full: [0.5, 0.7, 0.9],
            retry_full: 0.2,
            storage_bytes: None,
            leave_at: 0.7,
            depth_min: 100,
            hold_ms: 5_000,
            no_workers: Level::Calm,
            archive_drain_per_s: 500,
            infeasible: OnInfeasible::Certain,
        }
    }
}

/// What is put back from the archive keeps a lane at work for so long at most, in s: longer than from one look to the next.
const AHEAD_S_MAX: f64 = 5.0;
/// The part of the wait at which level 1 is left that what is put back may last for: no level is entered or kept for it.
const AHEAD_PART: f64 = 0.75;

impl OverloadRules {
    /// How long what is put back from the archive may keep a lane at work, in s.
    #[must_use]
    pub fn ahead_s(&self) -> f64 {
        (self.wait_s[0] as f64 * self.leave_at * AHEAD_PART).min(AHEAD_S_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_numbered_and_go_up_and_down_by_one() {
        for (number, level) in (0..).zip(Level::ALL) {
            assert_eq!(u64::from(level.number()), number);
            assert_eq!(Level::of_number(number), Some(level));
            assert_eq!(u64::from(level.up().number()), (number + 1).min(3));
            assert_eq!(u64::from(level.down().number()), number.saturating_sub(1));
        }
        assert_eq!(Level::of_number(4), None);
    }
}
