//! The smoothed time from a pull to its first answer.

use std::time::Duration;

/// Assumed before the first sample.
const INITIAL: Duration = Duration::from_millis(5);
/// A single freak sample must not stretch every deadline.
const SAMPLE_MAX: Duration = Duration::from_millis(500);
/// Below this, timers of the runtime (1 ms) and a busy scheduler make more noise than the network.
const DEADLINE_MIN: Duration = Duration::from_millis(5);
/// The design's bound on how long an ask may stay at the server.
const DEADLINE_MAX: Duration = Duration::from_secs(1);

/// Exponentially weighted mean with gain 1/8 (RFC 6298, without the variance: the factor of two
/// in the deadline takes its place).
#[derive(Debug, Clone, Copy)]
pub(super) struct RoundTrip {
    smoothed: Duration,
    sampled: bool,
}

impl RoundTrip {
    pub(super) fn new() -> Self {
        Self {
            smoothed: INITIAL,
            sampled: false,
        }
    }

    pub(super) fn sample(&mut self, took: Duration) {
        let took = took.min(SAMPLE_MAX);
        self.smoothed = if self.sampled {
            (self.smoothed * 7 + took) / 8
        } else {
            took
        };
        self.sampled = true;
    }

    /// One smoothed round trip.
    pub(super) fn smoothed(&self) -> Duration {
        self.smoothed
    }

    /// When the places of an ask are free again: two round trips.
    pub(super) fn deadline(&self) -> Duration {
        (self.smoothed * 2).clamp(DEADLINE_MIN, DEADLINE_MAX)
    }
}
