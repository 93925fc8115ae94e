//! How far apart two policies are in one figure, and within which bounds.

use super::batches::Batches;
use super::figure::Figure;
use crate::policy::rollout::Tally;
use crate::task::ClassName;

/// Batches with tasks of both policies before anything is said of how sure a difference is.
const BATCHES_MIN: usize = 10;
/// Tasks of the policy that has fewer of them at which intervals are about as narrow as they get beside those of a
/// test at a fixed size.
const TUNED_TO: f64 = 2_000.0;

/// What is known of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Too little was seen to say how sure it is.
    TooFew,
    /// Both may be alike.
    Open,
    /// The second policy has less of what is bad.
    Better,
    /// It has more.
    Worse,
}

/// One figure of both policies.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// Which.
    pub figure: Figure,
    /// Of which class; none for all of them.
    pub class: Option<ClassName>,
    /// That of the first policy, then of the second.
    pub values: [f64; 2],
    /// Tasks behind them.
    pub tasks: [u64; 2],
    /// The second less the first. Over all classes it is as it was within classes, so that it does not matter which
    /// policy had more tasks of which class.
    pub difference: f64,
    /// Bounds of the true difference; none while too little was seen. All bounds of a comparison hold at every look with
    /// a probability of 1 less [`super::ALPHA`].
    pub bounds: Option<[f64; 2]>,
}

impl Contrast {
    /// What follows from the bounds.
    #[must_use]
    pub fn finding(&self) -> Finding {
        match self.bounds {
            None => Finding::TooFew,
            Some([_, high]) if high < 0.0 => Finding::Better,
            Some([low, _]) if low > 0.0 => Finding::Worse,
            Some(_) => Finding::Open,
        }
    }
}

impl Finding {
    /// The word programs go by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooFew => "too_few",
            Self::Open => "open",
            Self::Better => "better",
            Self::Worse => "worse",
        }
    }
}

/// Weighted sums over batches.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    batches: usize,
    /// Of w, w·d, w², w·(w·d) and (w·d)².
    sums: [f64; 5],
}

impl Sums {
    fn add(&mut self, [weight, weighted]: [f64; 2]) {
        if weight <= 0.0 {
            return;
        }
        self.batches += 1;
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

    fn mean(&self) -> f64 {
        if self.sums[0] > 0.0 {
            self.sums[1] / self.sums[0]
        } else {
            0.0
        }
    }

    /// The variance of the mean, as batches differ from each other.
    fn variance(&self) -> f64 {
        let [weight, _, ww, wd, dd] = self.sums;
        let (d, count) = (self.mean(), self.batches as f64);
        if self.batches < 2 {
            return f64::INFINITY;
        }
        let squares = (dd - 2.0 * d * wd + d * d * ww).max(0.0);
        squares / (weight * weight) * count / (count - 1.0)
    }
}

/// One figure of one class or of all; none where neither policy has had a task that it is about.
///
/// Batches are pairs: what hits both policies at once changes nothing. A batch weighs `n_a·n_b / (n_a + n_b)`, and so
/// does each class within one (Mantel and Haenszel). The spread of the batches' differences is the standard error, at
/// least that of independent tasks; as of batch means (Law and Carson, "A sequential procedure for determining the
/// length of a steady-state simulation", Operations Research 27, 1979, has batches that grow with the run). Quantiles
/// have a [`jackknife`].
pub(super) fn of(
    batches: &Batches,
    figure: Figure,
    class: Option<&ClassName>,
    alpha: f64,
) -> Option<Contrast> {
    let seen = match class {
        Some(class) => Seen::of(batches, figure, &[class]),
        None => Seen::of(batches, figure, &batches.classes().collect::<Vec<_>>()),
    };
    let tasks = [0, 1].map(|at| figure.tasks(&seen.pooled[at]));
    if tasks == [0, 0] {
        return None;
    }
    let values = [0, 1].map(|at| figure.of(&seen.pooled[at]));
    let (difference, variance) = match (figure.part(), class) {
        (Some(part), Some(class)) => (
            values[1] - values[0],
            jackknife(batches, class, &seen.pooled, part),
        ),
        _ => (seen.sums.mean(), seen.sums.variance().max(seen.independent())),
    };
    let bounds = (seen.sums.batches >= BATCHES_MIN).then(|| {
        let error = multiplier(tasks, seen.sums.batches, alpha) * variance.sqrt();
        [difference - error, difference + error]
    });
    Some(Contrast {
        figure,
        class: class.cloned(),
        values,
        tasks,
        difference,
        bounds,
    })
}

/// What was seen of some classes.
struct Seen {
    sums: Sums,
    /// All tasks of each policy.
    pooled: [Tally; 2],
    /// Sums of w and of w² times the variance of independent tasks, over classes.
    independent: [f64; 2],
}

impl Seen {
    fn of(batches: &Batches, figure: Figure, classes: &[&ClassName]) -> Self {
        let mut by_batch = vec![[0.0; 2]; batches.len()];
        let (mut pooled, mut independent) = (<[Tally; 2]>::default(), [0.0; 2]);
        for class in classes {
            let mut of_class: [Tally; 2] = Default::default();
            for (at, tallies) in batches.of(class).enumerate() {
                for (sum, tally) in of_class.iter_mut().zip(tallies) {
                    tally.into_iter().for_each(|tally| sum.merge(tally));
                }
                if let [Some(a), Some(b)] = tallies {
                    let weight = weight(figure, [a, b]);
                    by_batch[at][0] += weight;
                    by_batch[at][1] += weight * (figure.of(b) - figure.of(a));
                }
            }
            let weight = weight(figure, [&of_class[0], &of_class[1]]);
            if weight > 0.0 {
                let variance: f64 = of_class.iter().map(|tally| figure.variance(tally)).sum();
                independent[0] += weight;
                independent[1] += weight * weight * variance;
            }
            for (sum, tally) in pooled.iter_mut().zip(&of_class) {
                sum.merge(tally);
            }
        }
        let mut sums = Sums::default();
        by_batch.into_iter().for_each(|batch| sums.add(batch));
        Self {
            sums,
            pooled,
            independent,
        }
    }

    fn independent(&self) -> f64 {
        let [weight, varied] = self.independent;
        if weight > 0.0 {
            varied / (weight * weight)
        } else {
            0.0
        }
    }
}

/// The variance of the difference of a quantile: how much it changes when one batch is left out. The quantiles of batches
/// would not do: where most of a tail comes from few batches, they say little of that of all.
///
/// `(n − 1)/n · Σ (d₋ᵢ − d̄)²`, the jackknife over groups (Künsch, "The jackknife and the bootstrap for general stationary
/// observations", Annals of Statistics 17, 1989); with groups that grow with the run it holds for quantiles as well
/// (Shao and Wu, "A general theory for jackknife variance estimation", Annals of Statistics 17, 1989).
fn jackknife(batches: &Batches, class: &ClassName, pooled: &[Tally; 2], part: f64) -> f64 {
    let without = batches.of(class).filter_map(|both| {
        let [Some(a), Some(b)] = both else { return None };
        let [rest_a, rest_b] = [
            pooled[0].waits.without(&a.waits),
            pooled[1].waits.without(&b.waits),
        ];
        Some(rest_b.quantile_within_ms(part) - rest_a.quantile_within_ms(part))
    });
    let without: Vec<f64> = without.collect();
    let count = without.len() as f64;
    let mean = without.iter().sum::<f64>() / count.max(1.0);
    let squares: f64 = without.iter().map(|d| (d - mean) * (d - mean)).sum();
    squares * (count - 1.0).max(0.0) / count.max(1.0)
}

fn weight(figure: Figure, both: [&Tally; 2]) -> f64 {
    let [a, b] = both.map(|tally| figure.tasks(tally) as f64);
    if a > 0.0 && b > 0.0 { a * b / (a + b) } else { 0.0 }
}

/// How many standard errors the bounds are from the difference, so that they hold at every look.
///
/// `√((1 + 1/k) · ln((1 + k) / α²))` with `k` the tasks of the policy that has fewer of them, in units of 2,000: the two-sided normal mixture of
/// Howard, Ramdas, McAuliffe and Sekhon ("Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of
/// Statistics 49, 2021), with an estimated variance (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform
/// central limit theory and asymptotic confidence sequences", Annals of Statistics 52, 2024). As the variance is estimated
/// from few batches it is widened as Student's quantile is: by `1 + (z² + 1) / (4ν)` (Abramowitz and Stegun 26.7.5).
fn multiplier(tasks: [u64; 2], batches: usize, alpha: f64) -> f64 {
    let k = (tasks[0].min(tasks[1]) as f64 / TUNED_TO).max(f64::MIN_POSITIVE);
    let z = ((1.0 + 1.0 / k) * libm::log((1.0 + k) / (alpha * alpha))).sqrt();
    let free = batches.saturating_sub(1).max(1) as f64;
    z * (1.0 + (z * z + 1.0) / (4.0 * free))
}
