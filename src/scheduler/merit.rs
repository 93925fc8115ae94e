//! How urgent the head of a queue is, as a function of time.

use std::time::Duration;

use crate::task::Moment;

/// A rule's judgement of one head. The lower tier goes first, then the higher curve, then the earlier head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Merit {
    /// Compared first; lower is more urgent.
    pub tier: u64,
    /// Compared next; higher is more urgent.
    pub curve: Curve,
    /// When the head was enqueued. Equals are served in this order.
    pub since: Moment,
}

/// A score that never falls while a head waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Curve {
    /// The same at all times.
    Flat(f64),
    /// `base + exp(alpha · wait)`, with the exponent clamped at [`EXPONENT_MAX`].
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

/// Where no closed form tells when two curves cross, they are compared this often at most.
const GRAIN: Duration = Duration::from_millis(1);
/// For ever.
const NEVER: Moment = Moment(Duration::MAX);
/// Longer than any mesh runs, in s: beyond it a crossing does not count.
const FAR_S: f64 = 1e9;

impl Merit {
    /// The score at `now`.
    #[must_use]
    pub fn score(&self, now: Moment) -> f64 {
        let wait_s = now.since(self.since).as_secs_f64();
        match self.curve {
            Curve::Flat(score) => score,
            Curve::Rising { base, alpha } => base + (alpha * wait_s).min(EXPONENT_MAX).exp(),
            Curve::Closing {
                base,
                gain,
                horizon_s,
            } => base - gain * (-wait_s / horizon_s).exp_m1(),
        }
    }

    /// Whether it goes before `other` at `now`. Of two that are alike neither does.
    #[must_use]
    pub fn is_before(&self, other: &Self, now: Moment) -> bool {
        let scores = || other.score(now).total_cmp(&self.score(now));
        self.tier
            .cmp(&other.tier)
            .then_with(scores)
            .then_with(|| self.since.cmp(&other.since))
            .is_lt()
    }

    /// Until when it surely stays before `other`, given that it is at `now`.
    pub(super) fn leads_until(&self, other: &Self, now: Moment) -> Moment {
        if self.tier != other.tier {
            return NEVER;
        }
        match (self.curve, other.curve) {
            (Curve::Flat(_), Curve::Flat(_)) => NEVER,
            (Curve::Rising { base, alpha }, Curve::Rising { base: b, alpha: a }) if alpha == a => {
                self.rising_until(other, base - b, alpha, now)
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
            ) if gain == g && horizon_s == h => self.closing_until(other, base - b, gain, horizon_s, now),
            _ => other.reaches(self.score(now), now).max(now + GRAIN),
        }
    }

    /// `lead + e^(αx)·(A − B) = 0` with A and B the two exponentials at `now`.
    fn rising_until(&self, other: &Self, lead: f64, alpha: f64, now: Moment) -> Moment {
        // A clamped curve is another function: look again when one begins to be.
        let clamps = [self, other].map(|merit| merit.since + seconds(EXPONENT_MAX / alpha));
        let clamped = clamps.into_iter().filter(|at| *at > now).min().unwrap_or(NEVER);
        if self.since <= other.since {
            return clamped;
        }
        let power = |merit: &Self| {
            (alpha * now.since(merit.since).as_secs_f64())
                .min(EXPONENT_MAX)
                .exp()
        };
        let gaining = power(other) - power(self);
        if gaining <= 0.0 {
            return clamped;
        }
        clamped.min(later(now, (lead / gaining).ln() / alpha))
    }

    /// `lead + gain·e^(−x/h)·(B − A) = 0` with A and B the two exponentials at `now`.
    fn closing_until(&self, other: &Self, lead: f64, gain: f64, horizon_s: f64, now: Moment) -> Moment {
        if lead >= 0.0 {
            return NEVER;
        }
        let power = |merit: &Self| (-now.since(merit.since).as_secs_f64() / horizon_s).exp();
        let losing = gain * (power(other) - power(self));
        if losing <= 0.0 {
            return NEVER;
        }
        later(now, -horizon_s * (-lead / losing).ln())
    }

    /// When its score is at `target`; for ever where it never is.
    fn reaches(&self, target: f64, now: Moment) -> Moment {
        let wait_s = match self.curve {
            Curve::Flat(_) => return NEVER,
            Curve::Rising { base, alpha } => {
                let exponent = (target - base).max(f64::MIN_POSITIVE).ln();
                if exponent > EXPONENT_MAX {
                    return NEVER;
                }
                exponent / alpha
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
        (self.since + seconds(wait_s)).max(now)
    }
}

fn later(now: Moment, after_s: f64) -> Moment {
    if after_s < FAR_S {
        now + seconds(after_s)
    } else {
        NEVER
    }
}

fn seconds(s: f64) -> Duration {
    Duration::try_from_secs_f64(s.max(0.0)).unwrap_or(Duration::MAX)
}
