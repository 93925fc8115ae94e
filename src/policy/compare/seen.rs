//! What batches add up to.

use super::batches::Batches;
use super::figure::Figure;
use crate::policy::rollout::Tally;
use crate::task::ClassName;

/// Weighted sums over batches.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) batches: usize,
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
    pub(super) fn variance(&self) -> f64 {
        let [weight, _, ww, wd, dd] = self.sums;
        let (d, count) = (self.mean(), self.batches as f64);
        if self.batches < 2 {
            return f64::INFINITY;
        }
        let squares = (dd - 2.0 * d * wd + d * d * ww).max(0.0);
        squares / (weight * weight) * count / (count - 1.0)
    }
}

/// What was seen of some classes.
pub(super) struct Seen {
    pub(super) sums: Sums,
    /// All tasks of each policy.
    pub(super) pooled: [Tally; 2],
    /// Sums of w and of w times the value of each policy, over classes and batches.
    weighted: [f64; 3],
    /// Sums of w and of w² times the variance of independent tasks, over classes.
    independent: [f64; 2],
}

impl Seen {
    pub(super) fn of(batches: &Batches, figure: Figure, classes: &[&ClassName]) -> Self {
        let mut by_batch = vec![[0.0; 2]; batches.len()];
        let (mut pooled, mut independent) = (<[Tally; 2]>::default(), [0.0; 2]);
        let mut weighted = [0.0; 3];
        for class in classes {
            let mut of_class: [Tally; 2] = Default::default();
            for (at, tallies) in batches.of(class).enumerate() {
                for (sum, tally) in of_class.iter_mut().zip(tallies) {
                    tally.into_iter().for_each(|tally| sum.merge(tally));
                }
                if let [Some(a), Some(b)] = tallies {
                    let weight = weight(figure, [a, b]);
                    let [of_a, of_b] = [figure.of(a), figure.of(b)];
                    by_batch[at][0] += weight;
                    by_batch[at][1] += weight * (of_b - of_a);
                    for (sum, more) in weighted.iter_mut().zip([1.0, of_a, of_b]) {
                        *sum += weight * more;
                    }
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
            weighted,
            independent,
        }
    }

    /// The figure of each policy. Where only one of both had tasks, or it is a quantile, of all tasks together.
    pub(super) fn values(&self, figure: Figure) -> [f64; 2] {
        let [weight, a, b] = self.weighted;
        match figure.adds_up() && weight > 0.0 {
            true => [a / weight, b / weight],
            false => [0, 1].map(|at| figure.of(&self.pooled[at])),
        }
    }

    /// The variance of the difference if tasks were independent of each other.
    pub(super) fn independent(&self) -> f64 {
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
pub(super) fn jackknife(batches: &Batches, class: &ClassName, pooled: &[Tally; 2], part: f64) -> f64 {
    let without = batches.of(class).map(|both| {
        let [a, b] = [0, 1].map(|at| {
            let rest = both[at].map(|tally| pooled[at].waits.without(&tally.waits));
            let rest = rest.as_ref().unwrap_or(&pooled[at].waits);
            rest.quantile_within_ms(part)
        });
        b - a
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
