//! How fast tasks leave a lane while there is work.

use std::time::Duration;

/// How fast what was seen before loses its weight.
const TIME_CONSTANT_S: f64 = 10.0;

/// A smoothed rate, in tasks per second, of what leaves while tasks wait. A lane that runs dry says nothing of how fast
/// it could be, so such times do not lower it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DrainRate {
    rate: Option<f64>,
    latest: f64,
}

impl DrainRate {
    /// `settled` tasks left within `over`; `busy` where tasks waited from its start to its end.
    pub fn note(&mut self, settled: u64, over: Duration, busy: bool) {
        let seconds = over.as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        let now = settled as f64 / seconds;
        self.latest = now;
        self.rate = match self.rate {
            Some(rate) if busy => {
                let weight = 1.0 - (-seconds / TIME_CONSTANT_S).exp();
                Some(rate + (now - rate) * weight)
            }
            Some(rate) => Some(rate.max(now)),
            None if busy => Some(now),
            None => None,
        };
    }

    /// Tasks per second. None before it was ever seen at work, and 0 never: then nothing is known of the end.
    #[must_use]
    pub fn per_s(&self) -> Option<f64> {
        self.rate.filter(|rate| *rate > 0.0)
    }

    /// The same, where a lane that ran dry counts, too: what it is known to bear.
    #[must_use]
    pub fn at_least_per_s(&self) -> f64 {
        self.rate.unwrap_or(0.0).max(self.latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_lane_that_ran_dry_does_not_lower_its_rate_and_one_at_work_does() {
        let mut rate = DrainRate::default();
        rate.note(3, S, false);
        assert_eq!(rate.per_s(), None, "three came, and might have been thirty");
        assert_eq!(rate.at_least_per_s(), 3.0);
        rate.note(100, S, true);
        assert_eq!(rate.per_s(), Some(100.0));
        rate.note(0, S, false);
        assert_eq!(rate.per_s(), Some(100.0));
        rate.note(120, S, false);
        assert_eq!(rate.per_s(), Some(120.0));
        for _ in 0..60 {
            rate.note(10, S, true);
        }
        assert!((10.0..11.0).contains(&rate.per_s().unwrap()), "{rate:?}");
    }

    #[test]
    fn no_time_and_nothing_settled_are_no_rate() {
        let mut rate = DrainRate::default();
        rate.note(5, Duration::ZERO, true);
        assert_eq!(rate.per_s(), None);
        rate.note(0, S, true);
        assert_eq!(rate.per_s(), None);
    }
}
