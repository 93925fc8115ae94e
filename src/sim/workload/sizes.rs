//! How large requests to language models are, and how long they run.

use super::draws::Draws;

/// A number of tokens, at least 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tokens {
    /// One hump.
    One(Hump),
    /// Two.
    Two {
        /// Part of the requests that are of the first; between 0 and 1.
        first_part: f64,
        /// The first.
        first: Hump,
        /// The second.
        second: Hump,
    },
}

/// A lognormal distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hump {
    /// Mean of the logarithm.
    pub(super) mu: f64,
    /// Deviation of the logarithm.
    pub(super) sigma: f64,
}

/// What requests of one class look like. Input says nothing about output: their correlation was found to be about 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sizes {
    /// Tokens read.
    pub(super) input: Tokens,
    /// Tokens written.
    pub(super) output: Tokens,
}

impl Sizes {
    /// Azure 2023 code (AzurePublicDataset). The recorded inputs end at 7,437 tokens, the fit does not: its mean is
    /// a third higher.
    pub(super) const CODE: Self = Self {
        input: Tokens::one(7.00, 1.36),
        output: Tokens::one(2.79, 0.85),
    };
    /// Azure 2023 conv. The output's humps were fitted to p50 129, p95 451 and mean 211, and to the quartiles 85 and
    /// 395 as far as two humps can.
    pub(super) const CONV: Self = Self {
        input: Tokens::one(6.63, 0.99),
        output: Tokens::Two {
            first_part: 0.62,
            first: Hump {
                mu: 4.45,
                sigma: 0.48,
            },
            second: Hump {
                mu: 5.98,
                sigma: 0.12,
            },
        },
    };
    /// Long contexts: p50 and p95 of the output are 350 and 698, so that mu is ln 350 and sigma ln(698 / 350) / 1.645.
    pub(super) const LONG: Self = Self {
        input: Tokens::one(8.74, 1.20),
        output: Tokens::one(5.858, 0.4196),
    };

    /// How long the next request occupies a slot, in µs.
    pub(super) fn draw_service_us(&self, draws: &mut Draws) -> u64 {
        let input = self.input.draw(draws);
        let output = self.output.draw(draws);
        service_us(input, output)
    }
}

impl Tokens {
    const fn one(mu: f64, sigma: f64) -> Self {
        Self::One(Hump { mu, sigma })
    }

    /// The next number; always as many draws.
    pub(super) fn draw(&self, draws: &mut Draws) -> u64 {
        let Hump { mu, sigma } = match *self {
            Self::One(hump) => hump,
            Self::Two {
                first_part,
                first,
                second,
            } => {
                if draws.uniform() < first_part {
                    first
                } else {
                    second
                }
            }
        };
        (draws.lognormal(mu, sigma).round() as u64).max(1)
    }
}

/// Time in a slot, in µs: 20 ms, and 1 s per 10,000 tokens read, and 25 ms per token written. Each at most 10¹⁴.
pub(super) const fn service_us(input: u64, output: u64) -> u64 {
    20_000 + 100 * input + 25_000 * output
}

#[cfg(test)]
mod tests {
    use super::super::draws::Purpose;
    use super::super::stat::{mean, quantile};
    use super::*;

    fn sample(tokens: Tokens) -> Vec<f64> {
        let mut draws = Draws::new(1, Purpose::Sizes, 0);
        (0..100_000).map(|_| tokens.draw(&mut draws) as f64).collect()
    }

    #[track_caller]
    fn near(found: f64, wanted: f64) {
        assert!(
            (found / wanted - 1.0).abs() < 0.02,
            "{found} is not {wanted} ± 2 %"
        );
    }

    #[test]
    fn service_is_20_ms_and_input_and_output_at_their_rates() {
        assert_eq!(service_us(0, 0), 20_000);
        assert_eq!(service_us(10_000, 0), 1_020_000);
        assert_eq!(service_us(4_808, 10), 750_800);
    }

    #[test]
    fn conv_writes_129_tokens_at_the_median_451_at_p95_and_211_on_average() {
        let output = sample(Sizes::CONV.output);
        near(quantile(&output, 0.5), 129.0);
        near(quantile(&output, 0.95), 451.0);
        near(mean(&output), 211.0);
    }

    #[test]
    fn conv_has_few_outputs_between_its_two_humps() {
        let output = sample(Sizes::CONV.output);
        let within = |from: f64, to: f64| output.iter().filter(|x| **x >= from && **x < to).count();
        let (low, between, high) = (within(60.0, 110.0), within(225.0, 275.0), within(370.0, 420.0));
        assert!(between * 4 < low.min(high), "{low} {between} {high}");
    }

    #[test]
    fn logarithms_of_tokens_have_the_fitted_mean_and_deviation() {
        for (tokens, mu, sigma) in [
            (Sizes::CODE.input, 7.00, 1.36),
            (Sizes::CODE.output, 2.79, 0.85),
            (Sizes::CONV.input, 6.63, 0.99),
            (Sizes::LONG.input, 8.74, 1.20),
        ] {
            let logs: Vec<f64> = sample(tokens).iter().map(|x| x.ln()).collect();
            near(mean(&logs), mu);
            near(mean(&logs) * super::super::stat::cv(&logs), sigma);
        }
    }

    #[test]
    fn long_contexts_write_350_tokens_at_the_median_and_698_at_p95() {
        let output = sample(Sizes::LONG.output);
        near(quantile(&output, 0.5), 350.0);
        near(quantile(&output, 0.95), 698.0);
    }
}
