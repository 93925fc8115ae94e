//! Testing by betting: how much a gambler who holds the canary for worse has won.

/// Parts of the wealth that are staked at each block. A small effect wants small stakes, a disaster large ones. What is
/// not staked is kept while nothing is wrong; none is all, so that no block can ruin.
const STAKES: [f64; 5] = [0.0, 0.12, 0.3, 0.5, 0.8];

/// How much of the wealth lies on each stake in the beginning. What is kept is a reserve.
const BEGIN: [f64; STAKES.len()] = [0.1, 0.225, 0.225, 0.225, 0.225];

/// The part of the wealth that is spread over the stakes as in the beginning after each block, so that harm which
/// begins late is found nearly as fast as harm from the beginning.
const SPREAD: f64 = 0.005;

/// What is staked on "the canary has more than its part of what went wrong".
///
/// Each block pays `1 − f + f · observed / expected`, where `observed` is how many of the block's bad tasks were the
/// canary's and `expected` the most that can be expected of a canary that is no worse than the margin allows. If it is
/// no worse, a block pays 1 on average or less, whatever happened before, so that the wealth is a non-negative
/// supermartingale which starts at 1: it ever reaches `1/α` with a probability of at most α (Ville, 1939), however often
/// one looks. Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 86 (2024).
///
/// The wealth lies on several stakes at once, a mixture in the sense of Robbins ("Statistical methods related to the
/// law of the iterated logarithm", 1970); after each block a little of it is spread anew (the fixed share of Herbster
/// and Warmuth, "Tracking the best expert", 1998). A stake that follows from earlier blocks keeps the bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wealth {
    /// Natural logarithm of the wealth.
    log: f64,
    /// How much of it lies on each stake; they add up to 1.
    parts: [f64; STAKES.len()],
}

impl Default for Wealth {
    fn default() -> Self {
        Self {
            log: 0.0,
            parts: BEGIN,
        }
    }
}

impl Wealth {
    /// Settles one block. One in which nothing was expected tells nothing.
    pub(super) fn settle(&mut self, observed: f64, expected: f64) {
        if expected <= 0.0 {
            return;
        }
        let odds = observed / expected;
        let mut paid = 0.0;
        for (part, stake) in self.parts.iter_mut().zip(STAKES) {
            *part *= 1.0 - stake + stake * odds;
            paid += *part;
        }
        self.log += libm::log(paid);
        for (part, begin) in self.parts.iter_mut().zip(BEGIN) {
            *part = (1.0 - SPREAD) * (*part / paid) + SPREAD * begin;
        }
    }

    /// Natural logarithm of the wealth.
    #[cfg(test)]
    pub(super) const fn log(&self) -> f64 {
        self.log
    }

    /// The probability, at most, of so much wealth on a canary that is no worse than the margin: valid at every look.
    /// Johari, Koomen, Pekelis and Walsh call it an always valid p-value ("Always valid inference: continuous
    /// monitoring of A/B tests", Operations Research 70, 2022).
    pub(super) fn p_value(&self) -> f64 {
        libm::exp(-self.log).min(1.0)
    }
}
