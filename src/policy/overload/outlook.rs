//! How long a backlog lasts: when to come back, and which deadline cannot be met.

use super::rules::OnInfeasible;
use crate::task::EpochMs;

/// What somebody is told who comes while nothing is known.
const RETRY_AFTER_S_UNKNOWN: f64 = 30.0;
/// Nobody is sent away for longer than this, in s: by then the backlog is another.
pub const RETRY_AFTER_S_MAX: u32 = 600;
/// How far those who are sent away together are spread: a fifth, earlier or later.
const SPREAD: f64 = 0.2;
/// The part of the expected wait that counts against a deadline: workers may be added, and others' shares not be used.
const CAUTION: f64 = 0.5;
/// Tasks ahead of a new one, and how fast they go.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Outlook {
    /// How many.
    pub backlog: u64,
    /// Per second; none where that is not known.
    pub drain_per_s: Option<f64>,
}

impl Outlook {
    /// How long they last, in s. None where that is not known.
    #[must_use]
    pub fn lasts_s(&self) -> Option<f64> {
        let rate = self.drain_per_s.filter(|rate| *rate > 0.0)?;
        Some(self.backlog as f64 / rate)
    }
}

/// When it is worth another try, in s from 1 to [`RETRY_AFTER_S_MAX`]: when the backlog is gone, a fifth earlier or
/// later by `draw`, which is from 0 to 1.
#[must_use]
pub fn retry_after_s(outlook: &Outlook, draw: f64) -> u32 {
    let lasts_s = outlook.lasts_s().unwrap_or(RETRY_AFTER_S_UNKNOWN);
    let spread = 1.0 + SPREAD * (2.0 * draw.clamp(0.0, 1.0) - 1.0);
    // Bounded before it is spread, too, or all would come back at the bound together.
    let bounded = lasts_s.clamp(1.0, f64::from(RETRY_AFTER_S_MAX) / (1.0 + SPREAD));
    (bounded * spread).round().max(1.0) as u32
}

/// A deadline that cannot be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Infeasible {
    /// Whether that is certain, not merely to be expected.
    pub is_certain: bool,
    /// The earliest deadline that would be taken now.
    pub feasible_from: EpochMs,
}

/// Judges a task's deadline when it comes in. `cost_ms` is what it is expected to take, and `ahead` what is served
/// before it, as far as that is known.
#[must_use]
pub fn infeasible(
    rule: OnInfeasible,
    deadline: EpochMs,
    cost_ms: f64,
    ahead: Option<&Outlook>,
    now: EpochMs,
) -> Option<Infeasible> {
    let wait_s = ahead.and_then(Outlook::lasts_s).unwrap_or(0.0);
    let from = |part: f64| now.plus_ms((wait_s * 1000.0 * part + cost_ms).max(0.0) as u64);
    let is_certain = deadline <= now;
    let is_expected = rule == OnInfeasible::Expected && ahead.is_some() && deadline < from(CAUTION);
    let is_refused = match rule {
        OnInfeasible::Accept => false,
        OnInfeasible::Certain | OnInfeasible::Expected => is_certain || is_expected,
    };
    is_refused.then(|| Infeasible {
        is_certain,
        // What is really expected: who asks for less than that asks for trouble.
        feasible_from: from(1.0).max(now.plus_ms(1)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outlook(backlog: u64, drain: f64) -> Outlook {
        Outlook {
            backlog,
            drain_per_s: Some(drain),
        }
    }

    #[test]
    fn one_is_sent_away_until_the_backlog_is_gone() {
        for (ahead, draw, expected) in [
            (outlook(1_000, 10.0), 0.5, 100),
            (outlook(1_000, 10.0), 0.0, 80),
            (outlook(1_000, 10.0), 1.0, 120),
            (outlook(0, 10.0), 0.5, 1),
            (outlook(1_000_000, 1.0), 1.0, 600),
            (outlook(1_000_000, 1.0), 0.0, 400),
            (Outlook::default(), 0.5, 30),
            (outlook(5, 0.0), 0.5, 30),
        ] {
            assert_eq!(retry_after_s(&ahead, draw), expected, "{ahead:?} {draw}");
        }
    }

    #[test]
    fn a_deadline_that_has_passed_is_certain_and_one_within_the_backlog_expected() {
        use OnInfeasible::{Accept, Certain, Expected};
        let now = EpochMs(100_000);
        let ahead = outlook(1_000, 10.0);
        let judge = |rule, left_ms: i64, ahead: Option<&Outlook>| {
            infeasible(rule, EpochMs(now.0 + left_ms), 500.0, ahead, now)
                .map(|told| (told.is_certain, told.feasible_from.0 - now.0))
        };
        for (rule, left_ms, ahead, expected) in [
            (Accept, -1, Some(&ahead), None),
            (Certain, 0, None, Some((true, 500))),
            (Certain, -5, Some(&ahead), Some((true, 100_500))),
            (Certain, 1, Some(&ahead), None),
            (Expected, 1, None, None),
            (Expected, 50_499, Some(&ahead), Some((false, 100_500))),
            (Expected, 50_500, Some(&ahead), None),
            (Expected, -1, Some(&ahead), Some((true, 100_500))),
            (Expected, 499, Some(&Outlook::default()), Some((false, 500))),
        ] {
            assert_eq!(judge(rule, left_ms, ahead), expected, "{rule:?} {left_ms}");
        }
    }

    proptest! {
        #[test]
        fn nobody_is_sent_away_for_longer_than_the_bound(
            backlog in any::<u64>(), drain in prop::option::of(any::<f64>()), draw in any::<f64>(),
        ) {
            let told = retry_after_s(&Outlook { backlog, drain_per_s: drain }, draw);
            prop_assert!((1..=RETRY_AFTER_S_MAX).contains(&told), "{}", told);
        }
    }
}
