//! What a task will cost, learnt from what tasks like it did cost.
//!
//! The length of an input says nothing about that of the output, so the best guess is the mean of what the same
//! model did for the same class. It is exponentially weighted, because models, hardware and inputs change.

/// The least cost, in ms of one slot.
const COST_MS_MIN: f64 = 1.0;
/// The greatest cost, in ms of one slot: eleven days, beyond every timeout.
const COST_MS_MAX: f64 = 1e9;
/// Weight of a sample in the long run, as in the round-trip estimate of RFC 6298.
const GAIN: f64 = 0.125;
/// Mean deviations that a cautious estimate lies above the mean.
const DEVIATIONS: f64 = 2.0;

/// An estimate by its place in the list it was added in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CostId(usize);

/// Estimates of the cost of one task, one for each pair of model and class or whatever else the caller tells
/// apart.
#[derive(Debug, Clone, Default)]
pub struct CostModel {
    estimates: Vec<Estimate>,
}

#[derive(Debug, Clone, Copy)]
struct Estimate {
    mean_ms: f64,
    /// Mean deviation of samples from the mean before them.
    deviation_ms: f64,
    /// Weight of the next sample: that of a plain mean until it is down to [`GAIN`].
    gain: f64,
}

impl CostModel {
    /// Adds an estimate that starts at `initial_ms`, in ms of one slot; kept within 1 and 1e9, and 1 if it is
    /// no number.
    pub fn add(&mut self, initial_ms: f64) -> CostId {
        let initial_ms = if initial_ms.is_nan() {
            COST_MS_MIN
        } else {
            initial_ms
        };
        self.estimates.push(Estimate {
            mean_ms: initial_ms.clamp(COST_MS_MIN, COST_MS_MAX),
            deviation_ms: 0.0,
            gain: 0.5,
        });
        CostId(self.estimates.len() - 1)
    }

    /// The cost of the next task, in ms of one slot, from 1 to 1e9. The id is one of this model's.
    #[must_use]
    pub fn estimate_ms(&self, id: CostId) -> f64 {
        self.estimates[id.0].mean_ms
    }

    /// What the next task may well cost, in ms of one slot: the mean and [`DEVIATIONS`] mean deviations, as the
    /// retransmission timeout of RFC 6298 is made. Who must be done by a time reckons with it.
    #[must_use]
    pub fn cautious_ms(&self, id: CostId) -> f64 {
        let Estimate {
            mean_ms,
            deviation_ms,
            ..
        } = self.estimates[id.0];
        mean_ms + DEVIATIONS * deviation_ms
    }

    /// A task of `id` has used `used_ms` ms of one slot; kept within 1 and 1e9. What is negative or not
    /// finite is no measurement and changes nothing.
    ///
    /// The n-th sample weighs `max(1/8, 1/(n + 1))`: first the plain mean of the initial value and all samples,
    /// so that neither a wrong initial value lasts nor one freak sample rules, then the exponential one.
    pub fn settle(&mut self, id: CostId, used_ms: f64) {
        if !used_ms.is_finite() || used_ms < 0.0 {
            return;
        }
        let used_ms = used_ms.clamp(COST_MS_MIN, COST_MS_MAX);
        let estimate = &mut self.estimates[id.0];
        estimate.deviation_ms += GAIN * ((used_ms - estimate.mean_ms).abs() - estimate.deviation_ms);
        estimate.mean_ms += estimate.gain * (used_ms - estimate.mean_ms);
        // From 1/k to 1/(k + 1).
        estimate.gain = (estimate.gain / (1.0 + estimate.gain)).max(GAIN);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(initial_ms: f64, samples: &[f64]) -> f64 {
        let mut model = CostModel::default();
        let id = model.add(initial_ms);
        for used_ms in samples {
            model.settle(id, *used_ms);
        }
        model.estimate_ms(id)
    }

    #[test]
    fn an_estimate_is_first_the_plain_mean_and_then_forgets() {
        let cases: [(f64, &[f64], f64); 8] = [
            (20.0, &[], 20.0),
            (20.0, &[40.0], 30.0),
            (20.0, &[40.0, 60.0], 40.0),
            (8.0, &[16.0; 7], 15.0),
            // A plain mean would be at 1000/9 after the last of these.
            (0.0, &[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 993.0], 125.0),
            (20.0, &[f64::NAN, -1.0, f64::INFINITY, f64::NEG_INFINITY], 20.0),
            (f64::NAN, &[0.0], 1.0),
            (1e30, &[1e30], 1e9),
        ];
        for (initial_ms, samples, expected) in cases {
            let found = after(initial_ms, samples);
            assert!(
                (found - expected).abs() < 1e-6,
                "{found}: {initial_ms}, {samples:?}"
            );
        }
    }

    #[test]
    fn estimates_do_not_mind_each_other() {
        let mut model = CostModel::default();
        let (one, other) = (model.add(10.0), model.add(20.0));
        model.settle(one, 30.0);
        assert_eq!((model.estimate_ms(one), model.estimate_ms(other)), (20.0, 20.0));
        model.settle(other, 40.0);
        assert_eq!((model.estimate_ms(one), model.estimate_ms(other)), (20.0, 30.0));
    }

    proptest! {
        #[test]
        fn an_estimate_comes_within_a_percent_of_a_steady_cost(
            initial_ms in 1.0_f64..1e6,
            before in prop::collection::vec(0.0_f64..1e6, 0..20),
            steady_ms in 1.0_f64..1e6,
        ) {
            // Each step leaves 7/8 of the error, which is 1e6 at most.
            let samples = [before, vec![steady_ms; 140]].concat();
            let found = after(initial_ms, &samples);
            prop_assert!((found - steady_ms).abs() <= 0.01 * steady_ms, "{}", found);
        }

        #[test]
        fn an_estimate_stays_among_what_was_seen(
            initial_ms in any::<f64>(),
            samples in prop::collection::vec(any::<f64>(), 0..50),
        ) {
            let seen = samples.iter().filter(|ms| ms.is_finite() && **ms >= 0.0);
            let seen: Vec<f64> = seen.chain([&initial_ms]).map(|ms| ms.clamp(1.0, 1e9)).collect();
            let (least, most) = (seen.iter().copied().fold(1e9, f64::min), seen.iter().copied().fold(1.0, f64::max));
            let found = after(initial_ms, &samples);
            prop_assert!(found >= least * (1.0 - 1e-9) && found <= most * (1.0 + 1e-9), "{} {} {}", least, found, most);
        }

        #[test]
        fn one_outlier_moves_an_estimate_by_its_gain_at_most(
            initial_ms in 1.0_f64..1e6,
            before in prop::collection::vec(1.0_f64..1e6, 0..20),
            outlier_ms in 1.0_f64..1e12,
        ) {
            let gain = 0.125_f64.max(1.0 / (before.len() as f64 + 2.0));
            let was = after(initial_ms, &before);
            let is = after(initial_ms, &[before, vec![outlier_ms]].concat());
            let most = gain * (outlier_ms.min(1e9) - was).abs();
            prop_assert!((is - was).abs() <= most * (1.0 + 1e-9), "{} {}", was, is);
            prop_assert!(is - was <= gain * outlier_ms * (1.0 + 1e-9));
        }
    }
}
