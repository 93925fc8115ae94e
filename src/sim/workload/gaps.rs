//! Times between arrivals, in a unit of their own: whoever spreads tasks over a window scales them to it.

use super::draws::{Draws, Purpose};

/// How arrivals follow one another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Process {
    /// Independently of each other.
    Poisson,
    /// Gamma renewals.
    Renewal {
        /// Standard deviation of the gaps over their mean, 0.1 to 10.
        cv: f64,
    },
    /// Gamma renewals while on, nothing while off.
    OnOff(OnOff),
}

impl Process {
    /// Azure 2023 conv.
    pub(super) const CONV: Self = Self::Renewal { cv: 1.09 };
    /// Azure 2023 code.
    pub(super) const CODE: Self = Self::OnOff(OnOff {
        on: 0.28,
        cv_on: 2.2,
        cv: 13.0,
    });
}

/// Bursts of renewals of mean 1, and pauses between them.
///
/// After each arrival a pause begins with chance `p` and lasts an exponential time of mean `d`. With
/// `b = p · d = (1 − on) / on` the gaps have mean `1 + b = 1 / on` and variance `cv_on² + b² · (2 / p − 1)`, so that
/// `p = 2 / (1 + ((cv / on)² − cv_on²) / b²)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct OnOff {
    /// Part of the time that is on; between 0 and 1.
    pub(super) on: f64,
    /// CV of the gaps while on.
    pub(super) cv_on: f64,
    /// CV of all gaps; more than `cv_on`.
    pub(super) cv: f64,
}

impl OnOff {
    /// Time off per arrival, in mean gaps while on.
    fn pause_per_gap(&self) -> f64 {
        (1.0 - self.on) / self.on
    }

    /// Chance that a pause follows an arrival.
    fn pause_chance(&self) -> f64 {
        let all = self.cv / self.on;
        let pause = self.pause_per_gap();
        2.0 / (1.0 + (all * all - self.cv_on * self.cv_on) / (pause * pause))
    }
}

/// The gaps of one flow.
#[derive(Debug, Clone)]
pub(super) struct Gaps {
    process: Process,
    draws: Draws,
}

impl Gaps {
    /// Those of `flow` under `seed`.
    pub(super) fn new(process: Process, seed: u64, flow: u32) -> Self {
        Self {
            process,
            draws: Draws::new(seed, Purpose::Gaps, flow),
        }
    }

    /// The next, of mean 1, or of mean 1 while on.
    pub(super) fn draw(&mut self) -> f64 {
        match self.process {
            Process::Poisson => self.draws.exponential(),
            Process::Renewal { cv } => self.renewal(cv),
            Process::OnOff(on_off) => {
                let chance = on_off.pause_chance();
                let gap = self.renewal(on_off.cv_on);
                if self.draws.uniform() < chance {
                    gap + self.draws.exponential() * on_off.pause_per_gap() / chance
                } else {
                    gap
                }
            }
        }
    }

    /// `count` arrivals between 0 and `end_us`, in order, in µs. One gap more than tasks is drawn and all are scaled
    /// to the window, which for [`Process::Poisson`] is exactly the process on condition that `count` arrive.
    pub(super) fn times_us(&mut self, count: usize, end_us: u64) -> Vec<u64> {
        let mut sum = 0.0;
        let ends: Vec<f64> = (0..=count)
            .map(|_| {
                sum += self.draw();
                sum
            })
            .collect();
        let scale = end_us as f64 / sum;
        ends[..count]
            .iter()
            .map(|end| ((end * scale) as u64).min(end_us))
            .collect()
    }

    fn renewal(&mut self, cv: f64) -> f64 {
        let shape = 1.0 / (cv * cv);
        self.draws.gamma(shape) / shape
    }
}

#[cfg(test)]
mod tests {
    use super::super::stat::{cv, gaps, mean};
    use super::*;

    fn sample(process: Process, count: usize) -> Vec<f64> {
        let mut gaps = Gaps::new(process, 1, 0);
        (0..count).map(|_| gaps.draw()).collect()
    }

    #[test]
    fn renewals_have_mean_1_and_the_cv_asked_for() {
        for (process, wanted) in [
            (Process::Poisson, 1.0),
            (Process::CONV, 1.09),
            (Process::Renewal { cv: 2.0 }, 2.0),
        ] {
            let drawn = sample(process, 100_000);
            assert!((mean(&drawn) - 1.0).abs() < 0.02, "{}", mean(&drawn));
            assert!((cv(&drawn) / wanted - 1.0).abs() < 0.02, "{}", cv(&drawn));
        }
    }

    #[test]
    fn code_is_on_28_percent_of_the_time_and_its_cv_is_13_of_which_2_2_inside() {
        let drawn = sample(Process::CODE, 400_000);
        assert!((mean(&drawn) * 0.28 - 1.0).abs() < 0.03, "{}", mean(&drawn));
        assert!((cv(&drawn) / 13.0 - 1.0).abs() < 0.05, "{}", cv(&drawn));

        // A pause lasts some 400 mean gaps, and hardly any gap inside a burst lasts 40.
        let inside: Vec<f64> = drawn.iter().copied().filter(|gap| *gap < 40.0).collect();
        assert!((cv(&inside) / 2.2 - 1.0).abs() < 0.05, "{}", cv(&inside));
        assert!((drawn.len() - inside.len()) as f64 / (drawn.len() as f64) < 0.01);
    }

    #[test]
    fn arrivals_are_in_order_within_the_window_and_keep_their_cv() {
        let times = Gaps::new(Process::CONV, 1, 0).times_us(20_000, 1_000_000_000);
        assert_eq!(times.len(), 20_000);
        assert!(times.is_sorted() && times.iter().all(|at| *at <= 1_000_000_000));
        let cv = cv(&gaps(times));
        assert!((cv - 1.09).abs() < 0.03, "{cv}");
    }
}
