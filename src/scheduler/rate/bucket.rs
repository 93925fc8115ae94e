//! One token bucket.

use std::time::Duration;

use crate::task::Moment;

/// Starts per time, and how many may come at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Starts per second in the long run, 0 to 1,000,000; more than 0 where `burst` is.
    pub per_s: f64,
    /// Starts at once after a quiet time, 0 to 1,000,000. Below 1 nothing ever starts.
    pub burst: f64,
}

/// Part of a token that rounding may cost or give: at the top of both ranges the error of one refill is a
/// thousandth of it. It does not add up, because what is spent is taken off the level in full.
const SLACK: f64 = 1e-6;

/// A token bucket: it fills at its rate up to its burst, and each start spends a token.
///
/// A token is taken first and then either spent by [`Bucket::started`] or given back. Meanwhile it keeps its
/// place in the bucket, so that nothing is refilled in its stead: starts between `s` and `s + t` are at
/// most `per_s · t + burst`, whenever their tokens were taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    rate: Rate,
    /// Tokens at `last`, with those that are held. Invariant: from −burst to burst.
    level: f64,
    last: Moment,
    /// Taken, and neither spent nor given back.
    held: u32,
}

impl Bucket {
    /// A full one.
    #[must_use]
    pub(super) fn full(rate: Rate, now: Moment) -> Self {
        Self {
            rate,
            level: rate.burst,
            last: now,
            held: 0,
        }
    }

    /// An empty one, that is filled from `since` on.
    #[must_use]
    pub(super) fn empty(rate: Rate, since: Moment) -> Self {
        Self {
            level: 0.0,
            ..Self::full(rate, since)
        }
    }

    /// Whole tokens that may be taken.
    #[must_use]
    pub(super) fn available(&self, now: Moment) -> u32 {
        // The cast saturates: a debt is no token.
        (self.level_at(now) - f64::from(self.held) + SLACK).floor() as u32
    }

    /// Holds `n` tokens for tasks that may start. The caller has seen that as many are available; what is
    /// taken beyond that is a debt once it is spent.
    pub(super) fn take(&mut self, n: u32) {
        self.held = self.held.saturating_add(n);
    }

    /// `n` tasks have started, and spend tokens that were taken for them. The debt of those that were not
    /// there is one burst at most, so that a mistake stops starts for no longer than two bursts take to refill.
    pub(super) fn started(&mut self, n: u32, now: Moment) {
        self.held = self.held.saturating_sub(n);
        self.advance(now);
        self.level = (self.level - f64::from(n)).max(-self.rate.burst);
    }

    /// `n` tokens that were taken are not needed.
    pub(super) fn give_back(&mut self, n: u32) {
        self.held = self.held.saturating_sub(n);
    }

    /// When `n` tokens can be taken if what is held is spent at once; `now` where they can be already, and
    /// none where that is never: more than a burst, or nothing is refilled.
    #[must_use]
    pub(super) fn ready_at(&self, now: Moment, n: u32) -> Option<Moment> {
        if f64::from(n) > self.rate.burst + SLACK {
            return None;
        }
        let missing = f64::from(n) + f64::from(self.held) - self.level_at(now);
        if missing <= SLACK {
            return Some(now);
        }
        let wait = Duration::try_from_secs_f64(missing / self.rate.per_s).ok()?;
        // Whoever asks again at that time must get on, so it is never rounded down.
        let is_there = self.rate.per_s * wait.as_secs_f64() + SLACK >= missing;
        let rounding = Duration::from_nanos(u64::from(!is_there));
        Some(now + wait + rounding)
    }

    /// Changes the rate. The level stays, within the new burst.
    pub(super) fn set_rate(&mut self, rate: Rate, now: Moment) {
        self.advance(now);
        self.rate = rate;
        self.level = self.level.clamp(-rate.burst, rate.burst);
    }

    fn advance(&mut self, now: Moment) {
        self.level = self.level_at(now);
        self.last = self.last.max(now);
    }

    fn level_at(&self, now: Moment) -> f64 {
        let refilled = self.rate.per_s * now.since(self.last).as_secs_f64();
        (self.level + refilled).min(self.rate.burst)
    }
}
