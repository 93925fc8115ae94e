//! Who pays for the time of a run: slot time is conserved, and goes to those for whom the model worked.
//!
//! While a batch is computed, its tasks hold their slots, and so do those that wait for the next one. All that slot
//! time is the price of the run, and the tasks of the batch pay it by their tokens. So a long text pays for those
//! it keeps waiting, in its own batch and behind it, and what all tasks pay together is the time that they held slots.

use std::time::Duration;

use crate::task::Moment;

/// The time of one task in its slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stay {
    entered: Moment,
    /// What of it the batches of others have paid for.
    covered: Duration,
}

impl Stay {
    /// It has come.
    pub(super) const fn since(entered: Moment) -> Self {
        Self {
            entered,
            covered: Duration::ZERO,
        }
    }

    /// How much of a run it was there for.
    pub(super) fn during(&self, began: Moment, ended: Moment) -> Duration {
        ended.since(began.max(self.entered))
    }

    /// Others have paid for a run during which it waited.
    pub(super) fn cover(&mut self, began: Moment, ended: Moment) {
        self.covered += self.during(began, ended);
    }

    /// What nobody else has paid for until then: the model had nothing to do.
    pub(super) fn own(&self, until: Moment) -> Duration {
        until.since(self.entered).saturating_sub(self.covered)
    }
}

/// The parts of `slot_time` that tasks with so many tokens pay, in ms. A task without any counts as one.
pub(super) fn divide(slot_time: Duration, tokens: &[u64]) -> Vec<f64> {
    let weight = |tokens: u64| tokens.max(1) as f64;
    let all: f64 = tokens.iter().map(|t| weight(*t)).sum();
    tokens.iter().map(|t| ms(slot_time) * weight(*t) / all).collect()
}

pub(super) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    fn at_us(us: u64) -> Moment {
        Moment(Duration::from_micros(us))
    }

    #[test]
    fn a_long_text_pays_for_a_short_one_beside_it() {
        assert_eq!(divide(Duration::from_millis(200), &[9, 1]), [180.0, 20.0]);
        assert_eq!(divide(Duration::from_millis(30), &[0, 1, 1]), [10.0; 3]);
        assert!(divide(Duration::from_millis(30), &[]).is_empty());
    }

    #[test]
    fn who_waits_behind_a_run_does_not_pay_for_it() {
        let mut stay = Stay::since(at_us(2_000));
        stay.cover(at_us(1_000), at_us(5_000));
        assert_eq!(stay.own(at_us(6_000)), Duration::from_millis(1));
        assert_eq!(stay.during(at_us(6_000), at_us(9_000)), Duration::from_millis(3));
    }

    proptest! {
        /// A device that takes up to three of the tasks that are there, with pauses between the runs.
        #[test]
        fn what_all_pay_is_the_time_that_all_stayed(
            tasks in prop::collection::vec((0_u64..20_000, 0_u64..50), 1..40),
            runs in prop::collection::vec((0_u64..5_000, 1_u64..9_000), 40),
        ) {
            let mut tasks: VecDeque<(u64, u64)> = { let mut t = tasks; t.sort_unstable(); t.into() };
            let (mut here, mut now) = (VecDeque::<(u64, u64, Stay)>::new(), 0);
            let (mut paid, mut stayed) = (0.0, 0.0);
            let arrive = |tasks: &mut VecDeque<(u64, u64)>, here: &mut VecDeque<_>, until: u64| {
                while let Some((at, tokens)) = tasks.pop_front_if(|(at, _)| *at <= until) {
                    here.push_back((at, tokens, Stay::since(at_us(at))));
                }
            };
            for (pause, length) in runs {
                now += pause;
                if here.is_empty() && let Some((at, _)) = tasks.front() {
                    now = now.max(*at);
                }
                arrive(&mut tasks, &mut here, now);
                let (began, ended) = (now, now + length);
                let batch: Vec<_> = here.drain(..here.len().min(3)).collect();
                arrive(&mut tasks, &mut here, ended);
                let (from, to) = (at_us(began), at_us(ended));
                let mut slot_time: Duration = batch.iter().map(|(_, _, stay)| stay.during(from, to)).sum();
                for (_, _, stay) in &mut here {
                    slot_time += stay.during(from, to);
                    stay.cover(from, to);
                }
                let tokens: Vec<u64> = batch.iter().map(|(_, tokens, _)| *tokens).collect();
                for ((at, _, stay), part) in batch.iter().zip(divide(slot_time, &tokens)) {
                    paid += ms(stay.own(from)) + part;
                    stayed += (ended - at) as f64 / 1000.0;
                }
                // Who is still here has paid nothing yet, and owes what nobody else has paid.
                now = ended;
                if tasks.is_empty() && here.is_empty() {
                    prop_assert!((paid - stayed).abs() < 1e-6 * (1.0 + stayed), "{} of {}", paid, stayed);
                    return Ok(());
                }
            }
        }
    }
}
