//! How many lines of a child's stderr are logged: a flood is counted, not kept.

use std::time::Duration;

use crate::task::Moment;

/// Lines of one process that are logged in one second.
const LINES_MAX: u32 = 100;
/// How long a budget lasts.
const WINDOW: Duration = Duration::from_secs(1);

/// The budget of one process.
#[derive(Debug)]
pub(super) struct Throttle {
    since: Moment,
    passed: u32,
    dropped: u64,
}

impl Throttle {
    /// A full budget.
    pub(super) fn new(now: Moment) -> Self {
        Self {
            since: now,
            passed: 0,
            dropped: 0,
        }
    }

    /// Whether a line may be logged; one that may not is counted.
    pub(super) fn admit(&mut self, now: Moment) -> bool {
        // A window with lines left out ends with its notice.
        if self.dropped == 0 && now.since(self.since) >= WINDOW {
            *self = Self::new(now);
        }
        let passes = self.passed < LINES_MAX;
        self.passed += u32::from(passes);
        self.dropped += u64::from(!passes);
        passes
    }

    /// When to say how many were left out, if any were.
    pub(super) fn notice_at(&self) -> Option<Moment> {
        (self.dropped > 0).then(|| self.since + WINDOW)
    }

    /// How many were left out; a new budget begins.
    pub(super) fn take_dropped(&mut self, now: Moment) -> u64 {
        let dropped = self.dropped;
        *self = Self::new(now);
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    #[test]
    fn a_flood_is_cut_to_its_budget_and_counted_in_one_notice_a_second() {
        let mut throttle = Throttle::new(at(0));
        let passed = (0..1000).filter(|_| throttle.admit(at(10))).count();
        assert_eq!(passed, 100);
        assert_eq!(throttle.notice_at(), Some(at(1000)));
        assert!(!throttle.admit(at(1000)), "the notice comes first");
        assert_eq!(throttle.take_dropped(at(1001)), 901);
        assert!(throttle.admit(at(1002)));
        assert_eq!(throttle.notice_at(), None);
    }

    #[test]
    fn a_slow_stream_passes_whole() {
        let mut throttle = Throttle::new(at(0));
        assert!((0..10_000).all(|n| throttle.admit(at(n * 11))));
    }
}
