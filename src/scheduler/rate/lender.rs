//! One rate for the whole mesh: whoever leads lends its tokens to workers, for a short time.
//!
//! A loan is what [`Bucket::take`] takes: until its tokens are spent or given back they keep their place in the
//! bucket, so that nothing is refilled in their stead. What a worker tells late is booked late, what it never tells
//! is booked as spent when its loan has ended for sure. Both only leave fewer tokens, so over all workers, whichever
//! come and go, no window of time has more starts than the rate allows in it and one burst.
//!
//! A new lender knows nothing of the loans of the one before. It opens when all of those have ended, with empty
//! buckets: the starts before are within the one bound, those after within the rate alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::plea::{Account, Lent, Meter, Plea, Rates, Want};
use super::{Bucket, Rate};
use crate::task::Moment;

/// How long a worker may use what it was lent, from when it sent the plea that was answered.
pub const LOAN: Duration = Duration::from_secs(1);
/// How much longer the lender counts it as out: two clocks do not run alike.
const MARGIN: Duration = Duration::from_millis(100);
/// Less time is no use to a worker that has to ask for a task first.
const USE_MIN: Duration = Duration::from_millis(50);
/// Nobody is told to come back sooner.
const DRY_MIN: Duration = Duration::from_millis(5);
/// How long one waits for tokens that are refilled so slowly that nobody can say when.
const DRY_MAX: Duration = Duration::from_secs(1);
/// A worker that was lent tokens says within a few ms what became of them. One that has not for so long, from when it
/// was first lent something after its last plea, is dead or cut off as far as is known, and gets no more until it pleads
/// again: what it gets would be lost.
const SILENT_MAX: Duration = Duration::from_millis(100);
/// The grain of the runtime's timers.
const TICK: Duration = Duration::from_millis(1);

#[derive(Debug)]
struct Loan {
    meter: Meter,
    left: u32,
    ends: Moment,
}

#[derive(Debug)]
struct Till {
    bucket: Bucket,
    /// Who waits, and for how many.
    waiting: VecDeque<(String, u32)>,
    /// When the last of those who do not wait was told to come again: they come one after the other, or each
    /// token would be asked for by all.
    booked: Moment,
}

impl Till {
    /// Empty, and filled from `opens` on.
    fn new(rate: Rate, opens: Moment) -> Self {
        Self {
            bucket: Bucket::empty(rate, opens),
            waiting: VecDeque::new(),
            booked: opens,
        }
    }
}

#[derive(Debug)]
struct Pleader {
    number: u64,
    heard: Moment,
    waits_for: Vec<Meter>,
    /// When it was lent something that it has not been heard of since.
    lent: Option<Moment>,
}

/// The tokens of all meters. Whoever asks is known by any text.
#[derive(Debug)]
pub struct Lender {
    rates: Rates,
    opens: Moment,
    tills: BTreeMap<Meter, Till>,
    loans: BTreeMap<u64, Loan>,
    ends: BTreeSet<(Moment, u64)>,
    last: u64,
    pleaders: BTreeMap<String, Pleader>,
}

impl Lender {
    /// One that takes over `now`. Its loans are numbered from `first`, which must be above those of the one before.
    #[must_use]
    pub fn new(rates: Rates, first: u64, now: Moment) -> Self {
        Self {
            rates,
            opens: now + LOAN + MARGIN,
            tills: BTreeMap::new(),
            loans: BTreeMap::new(),
            ends: BTreeSet::new(),
            last: first,
            pleaders: BTreeMap::new(),
        }
    }

    /// Lends by other rates from now on. What is lent stays lent; a bucket that gets smaller spills, and what was not
    /// limited before begins with an empty one.
    pub fn reform(&mut self, rates: Rates, now: Moment) {
        let meters = rates.classes.keys().cloned().map(Meter::Class);
        for meter in meters.chain(rates.models.keys().cloned().map(Meter::Model)) {
            let Some(rate) = rates.of(&meter) else { continue };
            match self.tills.get_mut(&meter) {
                Some(till) => till.bucket.set_rate(rate, now),
                None => {
                    let opens = self.opens.max(now);
                    self.tills.insert(meter, Till::new(rate, opens));
                }
            }
        }
        self.tills.retain(|meter, _| rates.of(meter).is_some());
        self.rates = rates;
    }

    /// Hears a plea; who is to be answered what. The first answer is to whoever asked.
    pub fn hear(&mut self, who: &str, plea: &Plea, now: Moment) -> Vec<(String, Lent)> {
        self.expire(now);
        let mut changed: BTreeSet<Meter> = plea
            .accounts
            .iter()
            .filter_map(|told| self.book(told, now))
            .collect();
        self.register(who, plea, now);
        changed.extend(plea.wants.iter().map(|want| want.meter.clone()));
        let mut answers = Answers::default();
        if !plea.wants.is_empty() {
            answers.to(who, plea.number);
        }
        for meter in &changed {
            self.serve(meter, now, &mut answers);
        }
        for want in plea.wants.iter().filter(|want| want.tokens > 0) {
            self.answer(who, plea.number, want, now, &mut answers);
        }
        answers.0
    }

    /// Says what `serve` has not: when there will be tokens, and what is there for one who does not wait.
    fn answer(&mut self, who: &str, number: u64, want: &Want, now: Moment, answers: &mut Answers) {
        let meter = &want.meter;
        let Some(rate) = self.rates.of(meter) else {
            // A worker under another policy: here nothing limits it.
            return answers.lend(who, number, (meter.clone(), 0, want.tokens));
        };
        let wait = if want.waits {
            self.turn(who, meter, rate, now)
        } else if let Some(lent) = self.lend(who, meter, want.tokens, now) {
            return answers.lend(who, number, lent);
        } else {
            self.book_turn(meter, rate, now)
        };
        if let Some(wait) = wait {
            let wait = wait.clamp(DRY_MIN, DRY_MAX);
            answers.dry(who, number, (meter.clone(), wait));
        }
    }

    /// Lends what has come since.
    pub fn tick(&mut self, now: Moment) -> Vec<(String, Lent)> {
        self.expire(now);
        let mut answers = Answers::default();
        let waited: Vec<Meter> = self.waited().map(|(meter, _)| meter.clone()).collect();
        for meter in &waited {
            self.serve(meter, now, &mut answers);
        }
        answers.0
    }

    /// When [`Lender::tick`] may have something to say; none while nobody waits.
    #[must_use]
    pub fn next_deadline(&self, now: Moment) -> Option<Moment> {
        let next = |till: &Till| till.bucket.ready_at(now, 1);
        let refilled = self.waited().filter_map(|(_, till)| next(till)).min();
        let ended = self.ends.first().map(|(ends, _)| *ends);
        let waits = self.waited().next().is_some();
        let soonest = refilled.into_iter().chain(ended).min().filter(|_| waits)?;
        Some(soonest.max(self.opens).max(now + TICK))
    }

    fn waited(&self) -> impl Iterator<Item = (&Meter, &Till)> {
        self.tills.iter().filter(|(_, till)| !till.waiting.is_empty())
    }

    /// Replaces what somebody wanted before. Who waited goes on waiting in its place.
    fn register(&mut self, who: &str, plea: &Plea, now: Moment) {
        let waits = || plea.wants.iter().filter(|want| want.waits && want.tokens > 0);
        let pleader = Pleader {
            number: plea.number,
            heard: now,
            waits_for: waits().map(|want| want.meter.clone()).collect(),
            lent: None,
        };
        if let Some(before) = self.pleaders.insert(who.to_owned(), pleader) {
            let given_up = |meter: &&Meter| !waits().any(|want| want.meter == **meter);
            for meter in before.waits_for.iter().filter(given_up) {
                if let Some(till) = self.tills.get_mut(meter) {
                    till.waiting.retain(|(waits, _)| waits != who);
                }
            }
        }
        for want in &plea.wants {
            let Some(rate) = self.rates.of(&want.meter) else {
                continue;
            };
            let opens = self.opens;
            let till = self
                .tills
                .entry(want.meter.clone())
                .or_insert_with(|| Till::new(rate, opens));
            if !want.waits || want.tokens == 0 {
                continue;
            }
            match till.waiting.iter_mut().find(|(waits, _)| waits == who) {
                Some(place) => place.1 = want.tokens,
                None => till.waiting.push_back((who.to_owned(), want.tokens)),
            }
        }
    }

    /// Books what became of a loan; says of which meter it was.
    fn book(&mut self, told: &Account, now: Moment) -> Option<Meter> {
        let loan = self.loans.get_mut(&told.loan)?;
        let spent = told.spent.min(loan.left);
        let back = told.back.min(loan.left - spent);
        loan.left -= spent + back;
        let (meter, ends, is_over) = (loan.meter.clone(), loan.ends, loan.left == 0);
        if is_over {
            self.loans.remove(&told.loan);
            self.ends.remove(&(ends, told.loan));
        }
        let till = self.tills.get_mut(&meter)?;
        // It started before the plea was sent, so this is late by what the plea has travelled.
        till.bucket.started(spent, Moment(now.0.saturating_sub(told.ago)));
        till.bucket.give_back(back);
        Some(meter)
    }

    /// What nobody has accounted for when its loan has ended counts as spent.
    fn expire(&mut self, now: Moment) {
        while let Some((ends, number)) = self.ends.first().copied().filter(|(ends, _)| *ends <= now) {
            self.ends.remove(&(ends, number));
            if let Some(loan) = self.loans.remove(&number)
                && let Some(till) = self.tills.get_mut(&loan.meter)
            {
                till.bucket.started(loan.left, ends);
            }
        }
        self.pleaders.retain(|_, pleader| now < pleader.heard + LOAN);
    }

    /// Lends the tokens that are there to those who wait, in turn and evenly.
    fn serve(&mut self, meter: &Meter, now: Moment, answers: &mut Answers) {
        while let Some(till) = self.tills.get_mut(meter) {
            let count = u32::try_from(till.waiting.len()).unwrap_or(u32::MAX);
            let available = till.bucket.available(now);
            if now < self.opens || count == 0 || available == 0 {
                return;
            }
            let Some((who, want)) = till.waiting.pop_front() else {
                return;
            };
            let part = want.min((available / count).max(1));
            // One that has not asked for long is forgotten: it would have no time to use them.
            let Some(lent) = self.lend(&who, meter, part, now) else {
                continue;
            };
            if let Some(pleader) = self.pleaders.get(&who) {
                answers.lend(&who, pleader.number, lent);
            }
            if let Some(till) = self.tills.get_mut(meter).filter(|_| want > part) {
                till.waiting.push_back((who, want - part));
            }
        }
    }

    /// Lends up to so many tokens, none where there are none or they would come too late.
    fn lend(&mut self, who: &str, meter: &Meter, most: u32, now: Moment) -> Option<(Meter, u64, u32)> {
        let till = self.tills.get_mut(meter).filter(|_| now >= self.opens)?;
        let pleader = self.pleaders.get_mut(who)?;
        let heard = pleader.heard;
        let is_silent = pleader.lent.is_some_and(|lent| now.since(lent) > SILENT_MAX);
        let tokens = most.min(till.bucket.available(now));
        if tokens == 0 || is_silent || now + USE_MIN >= heard + LOAN {
            return None;
        }
        pleader.lent.get_or_insert(now);
        till.bucket.take(tokens);
        self.last += 1;
        let ends = heard + LOAN + MARGIN;
        let loan = Loan {
            meter: meter.clone(),
            left: tokens,
            ends,
        };
        self.loans.insert(self.last, loan);
        self.ends.insert((ends, self.last));
        Some((meter.clone(), self.last, tokens))
    }

    /// How long until the turn of one who waits; none where it does not any more.
    fn turn(&self, who: &str, meter: &Meter, rate: Rate, now: Moment) -> Option<Duration> {
        let till = self.tills.get(meter)?;
        let place = till.waiting.iter().position(|(waits, _)| waits == who)?;
        let first = till.bucket.ready_at(now, 1)?.max(self.opens);
        Some(first.since(now).saturating_add(refilled_in(place, rate)))
    }

    /// How long one who does not wait is to stay away: until the token is there that nobody else was told of.
    fn book_turn(&mut self, meter: &Meter, rate: Rate, now: Moment) -> Option<Duration> {
        let till = self.tills.get_mut(meter)?;
        let first = till.bucket.ready_at(now, 1)?.max(self.opens);
        let at = (first + refilled_in(till.waiting.len(), rate)).max(till.booked);
        till.booked = (at + refilled_in(1, rate)).min(now + DRY_MAX);
        Some(at.since(now))
    }
}

fn refilled_in(tokens: usize, rate: Rate) -> Duration {
    let wait = Duration::try_from_secs_f64(tokens as f64 / rate.per_s);
    wait.map_or(DRY_MAX, |wait| wait.min(DRY_MAX))
}

/// Answers by receiver, in the order they came up.
#[derive(Default)]
struct Answers(Vec<(String, Lent)>);

impl Answers {
    fn to(&mut self, who: &str, number: u64) -> &mut Lent {
        let at = self
            .0
            .iter()
            .position(|(known, _)| known == who)
            .unwrap_or_else(|| {
                let lent = Lent {
                    number,
                    ..Lent::default()
                };
                self.0.push((who.to_owned(), lent));
                self.0.len() - 1
            });
        &mut self.0[at].1
    }

    fn lend(&mut self, who: &str, number: u64, tokens: (Meter, u64, u32)) {
        self.to(who, number).tokens.push(tokens);
    }

    fn dry(&mut self, who: &str, number: u64, wait: (Meter, Duration)) {
        self.to(who, number).dry.push(wait);
    }
}
