//! Whether a candidate is worse, from pairs of runs.
//!
//! Each pair is of one seed: both policies have served the same tasks over the same network. The candidate is worse where it is
//! worse by more than the margin in more than half of the pairs, so that one odd run decides nothing.

use super::bound::{Of, Question};
use super::measure::{Measure, Unit};

/// What a time may always be off by, in ms: records count whole ones.
const TIME_FLOOR_MS: f64 = 1.0;

/// How a candidate's figure stands beside that of the policy that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is better by more than the margin.
    Better,
    /// It is no worse.
    NoWorse,
    /// It is worse by more than the margin.
    Worse,
    /// There was no task to judge by.
    NoTasks,
}

/// One figure under both policies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Which.
    pub measure: Measure,
    /// Whose.
    pub of: Of,
    /// By how much it may be worse; see [`Question::margin`].
    pub margin: f64,
    /// Median over the seeds under the policy that holds; none where no run had a task for it.
    pub holds: Option<f64>,
    /// The same under the candidate.
    pub candidate: Option<f64>,
    /// Median over the seeds of what the candidate has more in the same seed; none where no seed has both.
    pub difference: Option<f64>,
    /// What follows.
    pub verdict: Verdict,
}

impl Verdict {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::NoWorse => "no worse",
            Self::Worse => "worse",
            Self::NoTasks => "no tasks",
        }
    }
}

/// Compares a figure of each seed under the policy that holds, first, and under the candidate.
///
/// Where one of the two has no figure, as all tasks were given up, it is the worse one.
#[must_use]
pub fn judge(question: &Question, pairs: &[(Option<f64>, Option<f64>)]) -> Judged {
    let Question { measure, of, margin } = *question;
    let both: Vec<(f64, f64)> = pairs
        .iter()
        .filter_map(|(holds, candidate)| holds.zip(*candidate))
        .collect();
    Judged {
        measure,
        of,
        margin,
        holds: median(pairs.iter().filter_map(|(holds, _)| *holds)),
        candidate: median(pairs.iter().filter_map(|(_, candidate)| *candidate)),
        difference: median(both.iter().map(|(holds, candidate)| candidate - holds)),
        verdict: verdict(question, pairs),
    }
}

fn verdict(question: &Question, pairs: &[(Option<f64>, Option<f64>)]) -> Verdict {
    let leans: Vec<Verdict> = pairs.iter().map(|pair| lean(question, *pair)).collect();
    let judged = leans.iter().filter(|lean| **lean != Verdict::NoTasks).count();
    let most = |of: Verdict| 2 * leans.iter().filter(|lean| **lean == of).count() > judged;
    match judged {
        0 => Verdict::NoTasks,
        _ if most(Verdict::Worse) => Verdict::Worse,
        _ if most(Verdict::Better) => Verdict::Better,
        _ => Verdict::NoWorse,
    }
}

/// What one seed says.
fn lean(question: &Question, pair: (Option<f64>, Option<f64>)) -> Verdict {
    let (holds, candidate) = match pair {
        (Some(holds), Some(candidate)) => (holds, candidate),
        (Some(_), None) => return Verdict::Worse,
        (None, Some(_)) => return Verdict::Better,
        (None, None) => return Verdict::NoTasks,
    };
    let harm = match question.measure.is_better_high() {
        true => holds - candidate,
        false => candidate - holds,
    };
    let allowed = allowed(question, holds);
    if harm > allowed {
        Verdict::Worse
    } else if -harm > allowed {
        Verdict::Better
    } else {
        Verdict::NoWorse
    }
}

/// By how much the candidate may be off.
fn allowed(question: &Question, holds: f64) -> f64 {
    let part = question.margin / 100.0;
    match question.measure.unit() {
        Unit::Part => part,
        Unit::Ms => (part * holds).max(TIME_FLOOR_MS),
        Unit::PerS | Unit::Tasks => part * holds,
    }
}

/// The middle one, or between the two in the middle; none of none.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(
            *sorted.get(middle.checked_sub(1)?)?,
            sorted[middle],
        )),
    }
}
