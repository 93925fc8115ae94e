//! Two kinds of time: wall time on the wire, monotonic time in decisions.

use std::time::Duration;

/// Wall time in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EpochMs(pub i64);

impl EpochMs {
    /// Milliseconds from `earlier` to here, 0 when clocks disagree and it lies ahead.
    #[must_use]
    pub fn since(self, earlier: EpochMs) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// This time and `ms` milliseconds more.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> EpochMs {
        EpochMs(self.0.saturating_add_unsigned(ms))
    }
}

/// Monotonic time, as far from an origin of the process's own choosing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Moment(pub Duration);

impl Moment {
    /// How long ago `earlier` was, zero when it lies ahead.
    #[must_use]
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Moment;
    fn add(self, by: Duration) -> Moment {
        Moment(self.0.saturating_add(by))
    }
}
