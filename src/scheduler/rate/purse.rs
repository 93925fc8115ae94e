//! The tokens that a worker was lent of one meter.

use std::time::Duration;

use crate::task::Moment;

/// How long a token that is not needed stays here: whoever was lent more than it can use, because its slots
/// filled meanwhile, most often needs it when the next one is free.
const KEPT_FOR: Duration = Duration::from_millis(100);

/// Tokens of one meter that were lent together.
#[derive(Debug, Clone, Copy)]
struct Held {
    loan: u64,
    left: u32,
    got: Moment,
    until: Moment,
    /// Spent, and nobody was told.
    spent: u32,
    /// When the last of those was.
    last: Moment,
}

/// What has become of the tokens of a loan since that was last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Which loan.
    pub loan: u64,
    /// Tasks that have started.
    pub spent: u32,
    /// When the last of them did.
    pub last: Moment,
    /// Tokens that are given back.
    pub back: u32,
}

/// Tokens that a worker may spend, each until the end of its loan.
#[derive(Debug, Clone, Default)]
pub struct Purse {
    /// In the order they came.
    held: Vec<Held>,
    /// The first start that nobody was told of.
    untold: Option<Moment>,
}

impl Purse {
    /// Puts tokens in that may be spent before `until`.
    pub fn put(&mut self, loan: u64, tokens: u32, now: Moment, until: Moment) {
        self.held.push(Held {
            loan,
            left: tokens,
            got: now,
            until,
            spent: 0,
            last: now,
        });
    }

    /// Tokens that may be spent now.
    #[must_use]
    pub fn valid(&self, now: Moment) -> u32 {
        let valid = self.held.iter().filter(|held| now < held.until);
        valid.map(|held| held.left).sum()
    }

    /// Spends one, of the loan that ends first. Says whether there was one.
    pub fn spend(&mut self, now: Moment) -> bool {
        let valid = self
            .held
            .iter_mut()
            .filter(|held| held.left > 0 && now < held.until);
        let Some(held) = valid.min_by_key(|held| held.until) else {
            return false;
        };
        held.left -= 1;
        held.spent += 1;
        held.last = now;
        self.untold.get_or_insert(now);
        true
    }

    /// When the first start was that nobody was told of.
    #[must_use]
    pub const fn untold(&self) -> Option<Moment> {
        self.untold
    }

    /// When there is something to give back, where `needed` tokens are not: the end of a loan, or that a token was
    /// here for too long.
    #[must_use]
    pub fn returns_at(&self, needed: u32) -> Option<Moment> {
        let mut keep = needed;
        let mut soonest: Option<Moment> = None;
        // The youngest are kept.
        for held in self.held.iter().rev().filter(|held| held.left > 0) {
            let at = match keep.checked_sub(held.left) {
                Some(rest) => {
                    keep = rest;
                    held.until
                }
                None => {
                    keep = 0;
                    held.until.min(held.got + KEPT_FOR)
                }
            };
            soonest = Some(soonest.map_or(at, |sooner| sooner.min(at)));
        }
        soonest
    }

    /// What is to be told now, where `needed` tokens are to stay. All that is not valid any more goes back, and so do
    /// those that were here for too long.
    pub fn settle(&mut self, needed: u32, now: Moment) -> Vec<Settled> {
        let mut keep = needed;
        let mut told = Vec::new();
        for held in self.held.iter_mut().rev() {
            let kept = if now < held.until { keep.min(held.left) } else { 0 };
            keep -= kept;
            let is_late = now >= held.until || now >= held.got + KEPT_FOR;
            let back = if is_late { held.left - kept } else { 0 };
            if held.spent > 0 || back > 0 {
                told.push(Settled {
                    loan: held.loan,
                    spent: held.spent,
                    last: held.last,
                    back,
                });
            }
            held.left -= back;
            held.spent = 0;
        }
        self.held.retain(|held| held.left > 0);
        self.untold = None;
        told
    }

    /// Gives all back at once.
    pub fn empty(&mut self, now: Moment) -> Vec<Settled> {
        for held in &mut self.held {
            held.until = held.until.min(now);
        }
        self.settle(0, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    #[test]
    fn the_token_whose_loan_ends_first_is_spent_first_and_none_after_its_end() {
        let mut purse = Purse::default();
        purse.put(1, 1, at(0), at(50));
        purse.put(2, 2, at(0), at(40));
        assert_eq!(purse.valid(at(39)), 3);
        assert!(purse.spend(at(10)) && purse.spend(at(20)));
        assert_eq!(purse.valid(at(39)), 1);
        let settled = |loan, spent, last, back| Settled {
            loan,
            spent,
            last: at(last),
            back,
        };
        assert_eq!(purse.settle(9, at(39)), [settled(2, 2, 20, 0)]);
        assert!(!purse.spend(at(50)), "its loan has ended");
        assert_eq!(purse.settle(9, at(50)), [settled(1, 0, 0, 1)]);
        assert_eq!(purse.settle(9, at(60)), []);
    }

    #[test]
    fn what_is_not_needed_goes_back_after_a_while_and_what_is_stays() {
        let mut purse = Purse::default();
        purse.put(1, 3, at(0), at(1_000));
        assert_eq!(purse.returns_at(1), Some(at(100)));
        assert_eq!(purse.settle(1, at(99)), []);
        let back: Vec<u32> = purse
            .settle(1, at(100))
            .iter()
            .map(|settled| settled.back)
            .collect();
        assert_eq!(back, [2]);
        assert_eq!((purse.valid(at(100)), purse.returns_at(1)), (1, Some(at(1_000))));
        let back: Vec<u32> = purse.empty(at(101)).iter().map(|settled| settled.back).collect();
        assert_eq!((back, purse.valid(at(101))), (vec![1], 0));
    }
}
