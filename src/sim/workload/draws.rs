//! Random numbers that are the same on every machine.
//!
//! Logarithms and powers come from `libm`, not from the platform's C library, whose last digit differs between
//! versions and processors. That is why `rand_distr` is not used: it takes them from `num-traits`, which turns to the
//! platform's as soon as any crate of the tree asks for its feature `std`, and one does.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of numbers is for. Each purpose has streams of its own, so that drawing more for one moves no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Times between arrivals.
    Gaps = 1,
    /// Which class a task is of.
    Classes = 2,
    /// Tokens, or service.
    Sizes = 3,
    /// The predictor's errors.
    Hints = 4,
    /// Who pays.
    Tenants = 5,
}

/// One stream of a seed.
#[derive(Debug, Clone)]
pub(super) struct Draws(ChaCha8Rng);

impl Draws {
    /// The stream of `seed` for one purpose and one flow of tasks. The seed is the cipher's key, purpose and flow are
    /// its stream number.
    pub(super) fn new(seed: u64, purpose: Purpose, flow: u32) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream((purpose as u64) << 32 | u64::from(flow));
        Self(rng)
    }

    /// Between 0 and 1, neither of them: the middles of 2⁵² equal steps.
    pub(super) fn uniform(&mut self) -> f64 {
        const STEPS: f64 = (1_u64 << 52) as f64;
        ((self.0.next_u64() >> 12) as f64 + 0.5) / STEPS
    }

    /// Of mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    /// Of mean 0 and deviation 1; always two numbers of the stream (Box and Muller, 1958).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// `exp(mu + sigma · normal)`.
    pub(super) fn lognormal(&mut self, mu: f64, sigma: f64) -> f64 {
        libm::exp(mu + sigma * self.normal())
    }

    /// Of that shape, more than 0, and scale 1: its mean is the shape (Marsaglia and Tsang, 2000).
    pub(super) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let less = libm::pow(self.uniform(), 1.0 / shape);
            return less * self.gamma(shape + 1.0);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            let v = root * root * root;
            let u = self.uniform();
            if v > 0.0 && libm::log(u) < 0.5 * x * x + d * (1.0 - v + libm::log(v)) {
                return d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stat::{cv, mean, quantile};
    use super::*;

    const COUNT: usize = 100_000;

    fn sample(mut draw: impl FnMut(&mut Draws) -> f64) -> Vec<f64> {
        let mut draws = Draws::new(1, Purpose::Sizes, 0);
        (0..COUNT).map(|_| draw(&mut draws)).collect()
    }

    #[track_caller]
    fn near(found: f64, wanted: f64, by: f64) {
        assert!((found - wanted).abs() <= by, "{found} is not {wanted} ± {by}");
    }

    #[test]
    fn a_stream_is_told_by_seed_purpose_and_flow() {
        let first = |seed, purpose, flow| Draws::new(seed, purpose, flow).uniform();
        let one = first(1, Purpose::Gaps, 0);
        assert_eq!(one, first(1, Purpose::Gaps, 0));
        assert_ne!(one, first(2, Purpose::Gaps, 0));
        assert_ne!(one, first(1, Purpose::Sizes, 0));
        assert_ne!(one, first(1, Purpose::Gaps, 1));
    }

    #[test]
    fn uniform_numbers_lie_between_0_and_1() {
        let drawn = sample(Draws::uniform);
        assert!(drawn.iter().all(|x| *x > 0.0 && *x < 1.0));
        near(mean(&drawn), 0.5, 0.005);
        near(quantile(&drawn, 0.9), 0.9, 0.005);
    }

    #[test]
    fn exponential_numbers_have_mean_and_cv_1() {
        let drawn = sample(Draws::exponential);
        near(mean(&drawn), 1.0, 0.01);
        near(cv(&drawn), 1.0, 0.01);
        near(quantile(&drawn, 0.5), 0.693, 0.01);
    }

    #[test]
    fn normal_numbers_have_the_normal_quantiles() {
        let drawn = sample(Draws::normal);
        near(mean(&drawn), 0.0, 0.01);
        for (part, z) in [(0.05, -1.645), (0.5, 0.0), (0.841_34, 1.0), (0.99, 2.326)] {
            near(quantile(&drawn, part), z, 0.03);
        }
    }

    #[test]
    fn gamma_numbers_have_the_mean_and_the_cv_of_their_shape() {
        for shape in [0.2, 1.0, 0.84, 5.0] {
            let drawn = sample(|draws| draws.gamma(shape));
            near(mean(&drawn), shape, 0.02 * shape);
            near(cv(&drawn), 1.0 / shape.sqrt(), 0.02 / shape.sqrt());
        }
    }
}
