//! The smoothed time from a pull to its first answer.

use std::time::Duration;

/// Assumed before the first sample.
const INITIAL: Duration = Duration::from_millis(5);
/// A single freak sample must not stretch every deadline.
const SAMPLE_MAX: Duration = Duration::from_millis(500);
/// Below this, timers of the runtime (1 ms) and a busy scheduler make more noise than the network.
const DEADLINE_MIN: Duration = Duration::from_millis(5);
/// Twice the grain of the runtime's timers and of the server's.
const EXPIRES_MIN: Duration = Duration::from_millis(2);
/// The grain of the runtime's timers.
const HOLD_MIN: Duration = Duration::from_millis(1);
/// The design's bound on how long an ask may stay at the server.
const DEADLINE_MAX: Duration = Duration::from_secs(1);

/// Exponentially weighted mean with gain 1/8, mean deviation with gain 1/4 (RFC 6298).
#[derive(Debug, Clone, Copy)]
pub(super) struct RoundTrip {
    smoothed: Duration,
    deviation: Duration,
    sampled: bool,
}

impl RoundTrip {
    pub(super) fn new() -> Self {
        Self {
            smoothed: INITIAL,
            deviation: Duration::ZERO,
            sampled: false,
        }
    }

    pub(super) fn sample(&mut self, took: Duration) {
        let took = took.min(SAMPLE_MAX);
        if self.sampled {
            self.deviation = (self.deviation * 3 + took.abs_diff(self.smoothed)) / 4;
            self.smoothed = (self.smoothed * 7 + took) / 8;
        } else {
            (self.smoothed, self.deviation) = (took, took / 4);
        }
        self.sampled = true;
    }

    /// A sample that may miss part of the way.
    pub(super) fn at_least(&mut self, took: Duration) {
        if took > self.smoothed {
            self.sample(took);
        }
    }

    /// One smoothed round trip.
    pub(super) fn smoothed(&self) -> Duration {
        self.smoothed
    }

    /// How long the server may hold an ask that it cannot answer. What is there is sent at once, so
    /// this only bounds what a slot loses to a queue at its limit: there and back, this, and the way
    /// of the next ask are two round trips. The status is back before the deadline, and nothing comes
    /// after it. Half a round trip also keeps the mean honest: a task that came after waiting for a
    /// place makes a sample of one round trip and half the mean at most, so the mean stays under two
    /// round trips however many such samples there are.
    pub(super) fn ask_expires(&self) -> Duration {
        (self.smoothed / 2).clamp(EXPIRES_MIN, DEADLINE_MAX / 4)
    }

    /// How long a slot is kept for the answer to a check.
    pub(super) fn hold(&self) -> Duration {
        (self.smoothed * 5 / 4).max(HOLD_MIN)
    }

    /// When the places of an ask are free again: two round trips, or more where they vary.
    pub(super) fn deadline(&self) -> Duration {
        let usual = (self.smoothed * 2).max(self.smoothed + self.deviation * 4);
        usual.clamp(DEADLINE_MIN, DEADLINE_MAX)
    }
}
