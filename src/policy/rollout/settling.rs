//! From when on tasks of two tracks can be compared: a trial that begins beside a backlog leaves that to the stable track.

use crate::task::EpochMs;

/// What waits is served within this time where nothing is left of a backlog: two looks.
const SHORT_MS: u64 = 2_000;
/// A queue that takes nearly as long as before is no backlog that goes: it is how long tasks wait here.
const STEADY: f64 = 0.9;
/// What is left of a backlog by the last round is gone after this part of the time that it took so far, one over.
const MARGIN: u64 = 10;
/// By then it is compared all the same.
const LAST_MS: u64 = 300_000;

/// Waits until the stable track is rid of what lay there when the trial began, and of what came to lie there meanwhile.
///
/// Each round lasts until everything is served that waited when it began. Where tasks come less fast than they are served
/// rounds get shorter, and the backlog is gone when one is as short as a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settling {
    began: EpochMs,
    /// When the present round began.
    round: EpochMs,
    /// How long the last one took.
    last_ms: Option<u64>,
    from: Option<EpochMs>,
}

impl Settling {
    /// A trial that began then.
    #[must_use]
    pub const fn new(began: EpochMs) -> Self {
        Self {
            began,
            round: began,
            last_ms: None,
            from: None,
        }
    }

    /// Tells since when the oldest task of the stable track waits; none where none does.
    pub fn look(&mut self, oldest: Option<EpochMs>, now: EpochMs) {
        if self.from.is_some() {
            return;
        }
        if now.since(self.began) >= LAST_MS {
            self.from = Some(self.began);
        } else if oldest.is_none_or(|oldest| oldest >= self.round) {
            let took_ms = now.since(self.round);
            let is_steady = self
                .last_ms
                .is_some_and(|last_ms| took_ms as f64 >= STEADY * last_ms as f64);
            let all_ms = now.since(self.began);
            if all_ms <= SHORT_MS {
                self.from = Some(self.began);
            } else if took_ms <= SHORT_MS || is_steady {
                self.from = Some(now.plus_ms(all_ms / MARGIN));
            } else {
                (self.last_ms, self.round) = (Some(took_ms), now);
            }
        }
    }

    /// Tasks that came since then are compared; none while that is still to be seen.
    #[must_use]
    pub const fn from(&self) -> Option<EpochMs> {
        self.from
    }

    /// When the trial began.
    #[must_use]
    pub const fn began(&self) -> EpochMs {
        self.began
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue in ms of work that is served at 1 and filled at `load` from a backlog on: when it is settled, and from when on.
    fn settle(backlog_ms: f64, load: f64) -> (i64, i64) {
        let mut settling = Settling::new(EpochMs(0));
        // The task that is served at `t` came when so much work had come before it.
        for now in (1_000..=400_000).step_by(1_000) {
            let served = f64::from(now);
            let came = (served - backlog_ms) / load;
            let is_empty = backlog_ms + load * served <= served;
            let oldest = match (is_empty, came < 0.0) {
                (true, _) => None,
                (false, true) => Some(EpochMs(-1)),
                (false, false) => Some(EpochMs(came as i64)),
            };
            settling.look(oldest, EpochMs(now.into()));
            if let Some(from) = settling.from() {
                return (now.into(), from.0);
            }
        }
        panic!("never settled")
    }

    #[test]
    fn without_a_backlog_everything_counts_from_the_beginning() {
        assert_eq!(settle(0.0, 0.5), (1_000, 0));
    }

    #[test]
    fn what_lay_there_and_what_came_behind_it_does_not_count() {
        for (backlog_ms, load) in [(10_000.0, 0.5), (60_000.0, 0.7)] {
            let (_, from) = settle(backlog_ms, load);
            // The queue is empty after backlog / (1 − load).
            let empty_ms = backlog_ms / (1.0 - load);
            assert!(from as f64 >= empty_ms - 1_000.0, "{from} of {empty_ms}");
            assert!(from as f64 <= 1.3 * empty_ms, "{from} of {empty_ms}");
        }
    }

    #[test]
    fn where_tasks_always_wait_so_long_it_is_compared_as_it_is() {
        let mut settling = Settling::new(EpochMs(0));
        for now in (0..200_000).step_by(1_000) {
            settling.look(Some(EpochMs(now - 30_000)), EpochMs(now));
        }
        assert_eq!(settling.from(), Some(EpochMs(66_000)), "after two rounds of 30 s");
        let mut growing = Settling::new(EpochMs(0));
        for now in (0..=300_000).step_by(1_000) {
            growing.look(Some(EpochMs(-1)), EpochMs(now));
        }
        assert_eq!(growing.from(), Some(EpochMs(0)));
    }
}
