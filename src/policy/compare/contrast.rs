//! How far apart two policies are in one figure, and within which bounds.

use super::batches::Batches;
use super::figure::Figure;
use super::seen::{Seen, jackknife};
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
    /// That of the first policy, then of the second. Of means and rates as both were at the same times, and over all classes as
    /// if both had had the same tasks of each.
    pub values: [f64; 2],
    /// Tasks behind them.
    pub tasks: [u64; 2],
    /// The second less the first.
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
    let values = seen.values(figure);
    let (variance, coarse) = match (figure.part(), class) {
        (Some(part), Some(class)) => (
            jackknife(batches, class, &seen.pooled, part),
            // Within its bucket a quantile may lie anywhere.
            seen.pooled
                .iter()
                .map(|tally| tally.waits.width_at_ms(part))
                .fold(0.0, f64::max),
        ),
        _ => (seen.sums.variance().max(seen.independent()), 0.0),
    };
    let difference = values[1] - values[0];
    let bounds = (seen.sums.batches >= BATCHES_MIN).then(|| {
        let error = multiplier(tasks, seen.sums.batches, alpha) * variance.sqrt() + coarse;
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

/// How many standard errors the bounds are from the difference, so that they hold at every look.
///
/// `√((1 + 1/k) · ln((1 + k) / α²))` with `k` the tasks of the policy that has fewer of them, in units of 2,000: the
/// two-sided normal mixture of Howard, Ramdas, McAuliffe and Sekhon ("Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of
/// Statistics 49, 2021), with an estimated variance (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform
/// central limit theory and asymptotic confidence sequences", Annals of Statistics 52, 2024). As the variance is estimated
/// from few batches it is widened as Student's quantile is: by `1 + (z² + 1) / (4ν)` (Abramowitz and Stegun 26.7.5).
fn multiplier(tasks: [u64; 2], batches: usize, alpha: f64) -> f64 {
    let k = (tasks[0].min(tasks[1]) as f64 / TUNED_TO).max(f64::MIN_POSITIVE);
    let z = ((1.0 + 1.0 / k) * libm::log((1.0 + k) / (alpha * alpha))).sqrt();
    let free = batches.saturating_sub(1).max(1) as f64;
    z * (1.0 + (z * z + 1.0) / (4.0 * free))
}
