//! The difference between two tracks that were seen in the same blocks of time, and how sure it is.

/// Canary tasks at which the bound is about as near to the observed difference as it gets.
const TUNED_TO: f64 = 500.0;

/// Tasks of both tracks in one block, and how many of them went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sample {
    /// Canary tasks.
    pub(super) canary: u64,
    /// Those that went wrong.
    pub(super) canary_bad: u64,
    /// Stable tasks.
    pub(super) stable: u64,
    /// Those that went wrong.
    pub(super) stable_bad: u64,
}

/// The difference of two rates over blocks: canary less stable.
///
/// Mantel and Haenszel's weighted difference (Greenland and Robins, Biometrics 41, 1985): each block, and in the total
/// each class of a block, weighs `n_c · n_s / (n_c + n_s)`, so that a burst that hits both tracks and a class of which
/// one track has more change nothing. Its variance is taken from the blocks, so that tasks of one block may depend on
/// each other; it is at least that of two independent binomials.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Paired {
    seen: [u64; 4],
    /// Sums of w, w·d, w², w·(w·d) and (w·d)² over blocks.
    sums: [f64; 5],
}

impl Sample {
    /// Adds another one's tasks.
    pub(super) fn add(&mut self, other: Self) {
        self.canary = self.canary.saturating_add(other.canary);
        self.canary_bad = self.canary_bad.saturating_add(other.canary_bad);
        self.stable = self.stable.saturating_add(other.stable);
        self.stable_bad = self.stable_bad.saturating_add(other.stable_bad);
    }

    /// No more bad tasks than tasks, whoever counted.
    pub(super) fn sound(self) -> Self {
        Self {
            canary_bad: self.canary_bad.min(self.canary),
            stable_bad: self.stable_bad.min(self.stable),
            ..self
        }
    }

    /// Whether there are tasks of both tracks to compare.
    pub(super) const fn has_both(&self) -> bool {
        self.canary > 0 && self.stable > 0
    }

    /// The most bad tasks of the canary to be expected among the block's, where its rate is at most `times` that of
    /// the stable track: `m · times · n_c / (times · n_c + n_s)`.
    pub(super) fn expected(&self, times: f64) -> f64 {
        let (canary, stable) = (times * self.canary as f64, self.stable as f64);
        let bad = self.canary_bad as f64 + self.stable_bad as f64;
        match self.has_both() {
            true => bad * canary / (canary + stable),
            false => 0.0,
        }
    }
}

impl Paired {
    /// Adds one block: a sample for each of its classes.
    pub(super) fn settle(&mut self, samples: impl Iterator<Item = Sample>) {
        let (mut weight, mut weighted) = (0.0, 0.0);
        for sample in samples.filter(Sample::has_both) {
            let (canary, stable) = (sample.canary as f64, sample.stable as f64);
            let own = canary * stable / (canary + stable);
            weight += own;
            weighted += own * (sample.canary_bad as f64 / canary - sample.stable_bad as f64 / stable);
            let Sample {
                canary,
                canary_bad,
                stable,
                stable_bad,
            } = sample;
            for (seen, more) in self.seen.iter_mut().zip([canary, canary_bad, stable, stable_bad]) {
                *seen = seen.saturating_add(more);
            }
        }
        let products = [
            weight,
            weighted,
            weight * weight,
            weight * weighted,
            weighted * weighted,
        ];
        for (sum, product) in self.sums.iter_mut().zip(products) {
            *sum += product;
        }
    }

    /// All tasks in it.
    pub(super) const fn seen(&self) -> Sample {
        let [canary, canary_bad, stable, stable_bad] = self.seen;
        Sample {
            canary,
            canary_bad,
            stable,
            stable_bad,
        }
    }

    /// Canary less stable, −1 to 1; 0 where nothing was seen.
    pub(super) fn difference(&self) -> f64 {
        match self.sums[0] > 0.0 {
            true => self.sums[1] / self.sums[0],
            false => 0.0,
        }
    }

    /// Standard error of the difference; 1 where nothing was seen.
    pub(super) fn error(&self) -> f64 {
        if self.sums[0] <= 0.0 {
            return 1.0;
        }
        let [weight, _, ww, wd, dd] = self.sums;
        let d = self.difference();
        let of_blocks = (dd - 2.0 * d * wd + d * d * ww).max(0.0) / (weight * weight);
        let binomial = |bad: u64, of: u64| {
            // One more of each: none of a hundred is no proof of none at all.
            let rate = (bad as f64 + 1.0) / (of as f64 + 2.0);
            rate * (1.0 - rate) / of as f64
        };
        let seen = self.seen();
        let of_tasks = binomial(seen.canary_bad, seen.canary) + binomial(seen.stable_bad, seen.stable);
        of_blocks.max(of_tasks).sqrt()
    }

    /// What the true difference is below at every look, with a probability of `1 − alpha`; 1 where nothing was seen.
    ///
    /// `d + e · √(2 · (1 + 1/k) · ln(1 + √(1 + k) / (2·alpha)))`, where `e` is the standard error and `k` the canary
    /// tasks seen, in units of 500: the one-sided normal mixture of Howard, Ramdas, McAuliffe and Sekhon
    /// ("Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 49, 2021), with an
    /// estimated variance (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and
    /// asymptotic confidence sequences", Annals of Statistics 52, 2024).
    pub(super) fn upper(&self, alpha: f64) -> f64 {
        if self.sums[0] <= 0.0 {
            return 1.0;
        }
        let k = self.seen().canary as f64 / TUNED_TO;
        let z = (2.0 * (1.0 + 1.0 / k) * libm::log(1.0 + (1.0 + k).sqrt() / (2.0 * alpha))).sqrt();
        (self.difference() + z * self.error()).min(1.0)
    }
}
