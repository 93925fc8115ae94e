//! How urgent the head of a queue is, as a function of time.

use super::tournament::{Contender, NEVER, Nanos, nanos};
use crate::task::Moment;

/// A rule's judgement of one head. The lower tier goes first, then the higher curve, then the earlier head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Merit {
    /// Compared first; lower is more urgent.
    pub tier: u64,
    /// Compared next; higher is more urgent.
    pub curve: Curve,
    /// When the head was enqueued. Equals are served in this order.
    since: Nanos,
}

/// A score that never falls while a head waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Curve {
    /// The same at all times.
    Flat(f64),
    /// `base + exp(alpha · wait)`; from an exponent of [`EXPONENT_MAX`] on, where a base is lost in the last bits, the
    /// same for all.
    Rising {
        /// Score of one that has just come, less 1.
        base: f64,
        /// Growth of the exponent per second; more than 0.
        alpha: f64,
    },
    /// `base + gain · (1 − exp(−wait / horizon))`.
    Closing {
        /// Score of one that has just come.
        base: f64,
        /// What waiting for ever adds; at least 0.
        gain: f64,
        /// Wait after which 63 % of that is added, in s; more than 0.
        horizon_s: f64,
    },
}

/// `exp` of more than 709 is no number any more, and beyond 36 a base of 1 is lost in its last bits.
pub const EXPONENT_MAX: f64 = 40.0;

/// The score of everything whose exponent is clamped: above all that is not, and served in order of arrival.
const CLAMPED: f64 = 1e18;

/// Where no closed form tells when two curves cross, they are compared this often at most.
const GRAIN: Nanos = 1_000_000;

impl Merit {
    /// Of a head that was enqueued at `since`.
    #[must_use]
    pub const fn new(tier: u64, curve: Curve, since: Moment) -> Self {
        Self {
            tier,
            curve,
            since: nanos(since),
        }
    }

    /// The score at `now`.
    #[must_use]
    pub fn score(&self, now: Moment) -> f64 {
        self.score_at(nanos(now))
    }

    fn score_at(&self, now: Nanos) -> f64 {
        let wait_s = wait_s(self.since, now);
        match self.curve {
            Curve::Flat(score) => score,
            Curve::Rising { alpha, .. } if alpha * wait_s >= EXPONENT_MAX => CLAMPED,
            Curve::Rising { base, alpha } => base + (alpha * wait_s).exp(),
            Curve::Closing {
                base,
                gain,
                horizon_s,
            } => base - gain * (-wait_s / horizon_s).exp_m1(),
        }
    }

    /// Two that are compared by curves of which no closed form tells when they cross.
    fn against(&self, other: &Self, now: Nanos) -> (bool, Nanos) {
        let (mine, others) = (self.score_at(now), other.score_at(now));
        if mine >= CLAMPED && others >= CLAMPED {
            return (self.since <= other.since, NEVER);
        }
        let is_first = mine > others || (mine == others && self.since <= other.since);
        let (target, behind) = if is_first { (mine, other) } else { (others, self) };
        (is_first, behind.reaches(target).max(now.saturating_add(GRAIN)))
    }

    /// When its score is at `target`; for ever where it never is.
    fn reaches(&self, target: f64) -> Nanos {
        let wait_s = match self.curve {
            Curve::Flat(_) => return NEVER,
            Curve::Rising { base, alpha } => {
                let exponent = (target - base).max(f64::MIN_POSITIVE).ln();
                exponent.min(EXPONENT_MAX) / alpha
            }
            Curve::Closing {
                base,
                gain,
                horizon_s,
            } => {
                let open = 1.0 - (target - base) / gain;
                if open <= 0.0 || gain <= 0.0 {
                    return NEVER;
                }
                -horizon_s * open.ln()
            }
        };
        after(self.since, wait_s)
    }
}

impl Contender for Merit {
    fn duel(&self, other: &Self, now: Nanos) -> (bool, Nanos) {
        if self.tier != other.tier {
            return (self.tier < other.tier, NEVER);
        }
        let is_older = self.since <= other.since;
        // The base of the younger one, less that of the older one.
        let lead = |mine: f64, others: f64| if is_older { others - mine } else { mine - others };
        let (is_older_first, until) = match (self.curve, other.curve) {
            (Curve::Flat(a), Curve::Flat(b)) => (lead(a, b) <= 0.0, NEVER),
            (Curve::Rising { base, alpha }, Curve::Rising { base: b, alpha: a }) if alpha == a => {
                let (old, young) = ages(self.since, other.since);
                rising(lead(base, b), alpha, old, young, now)
            }
            (
                Curve::Closing {
                    base,
                    gain,
                    horizon_s,
                },
                Curve::Closing {
                    base: b,
                    gain: g,
                    horizon_s: h,
                },
            ) if gain == g && horizon_s == h => {
                let (old, young) = ages(self.since, other.since);
                closing(lead(base, b), gain, horizon_s, old, young, now)
            }
            _ => return self.against(other, now),
        };
        (is_older_first == is_older, until)
    }
}

/// The earlier and the later of two.
const fn ages(a: Nanos, b: Nanos) -> (Nanos, Nanos) {
    if a <= b { (a, b) } else { (b, a) }
}

/// Whether the older one is ahead of one that came later with a base that is higher by `lead`, and until when that
/// stays so: until `lead = e^(αx)·(A − B)` with A and B the two exponentials at `now`.
fn rising(lead: f64, alpha: f64, old: Nanos, young: Nanos, now: Nanos) -> (bool, Nanos) {
    let exponent = alpha * wait_s(old, now);
    if lead <= 0.0 || exponent >= EXPONENT_MAX {
        return (true, NEVER);
    }
    let gained = exponent.exp() - (alpha * wait_s(young, now)).exp();
    if lead <= gained {
        return (true, NEVER);
    }
    let met = match gained > 0.0 {
        true => after(now, (lead / gained).ln() / alpha),
        false => NEVER,
    };
    // A clamped curve is another function.
    (false, met.min(after(old, EXPONENT_MAX / alpha)))
}

/// The same for curves that close: the older one is ahead until `lead = gain·e^(−x/h)·(B − A)`.
fn closing(lead: f64, gain: f64, horizon_s: f64, old: Nanos, young: Nanos, now: Nanos) -> (bool, Nanos) {
    if lead <= 0.0 {
        return (true, NEVER);
    }
    let open = |since: Nanos| (-wait_s(since, now) / horizon_s).exp();
    let ahead = gain * (open(young) - open(old));
    match lead <= ahead {
        true => (true, after(now, horizon_s * (ahead / lead).ln())),
        false => (false, NEVER),
    }
}

fn wait_s(since: Nanos, now: Nanos) -> f64 {
    now.saturating_sub(since) as f64 * 1e-9
}

/// A float that is out of range becomes the bound, which is never.
fn after(from: Nanos, s: f64) -> Nanos {
    from.saturating_add((s * 1e9) as Nanos)
}
