//! Tokens for tasks whose rate is limited over the whole mesh: when they are asked for, and what may start.
//!
//! A queue without a token is delayed: it keeps its place in the rounds and holds nobody up. When its turn comes all
//! the same and nothing says that there are no tokens, one slot is kept for the way to the lender and back; an answer
//! that there are none, or no answer, frees it at once and shuts the queue for a while. Slots that nobody else
//! wants are told to the lender, who sends tokens as they come.

use std::collections::VecDeque;
use std::time::Duration;

use super::core::Intake;
use super::facts::{Decision, QueueId};
use crate::scheduler::rate::{LOAN, Purse, Settled};
use crate::task::Moment;

/// Pleas are no closer than this: what changes meanwhile goes with the next.
const PLEA_GAP: Duration = Duration::from_millis(2);
/// A start is told within this time: what is refilled waits for it.
const TOLD_WITHIN: Duration = Duration::from_millis(5);
/// A wish that has changed and is no hurry is told within this time.
const CHANGE_WITHIN: Duration = Duration::from_millis(20);
/// A wish is told again so often: well within the time after which it is forgotten.
const REPEAT_EVERY: Duration = Duration::from_millis(300);
/// How long a queue is shut after the first answer that did not come; doubles.
const SHUT_MIN: Duration = Duration::from_millis(100);
const SHUT_DOUBLINGS_MAX: u32 = 4;
/// While a queue has its turn, tokens are asked for this part of the slots, so that short tasks need not each wait for
/// theirs.
const WANT_PART: u32 = 8;

/// What tokens are counted for, by the order it was added in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeterId(pub usize);

/// What the lender is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPlea {
    /// Its number, rising.
    pub number: u64,
    /// Tokens that could be used now, in place of what was told before, and whether they are waited for.
    pub wants: Vec<(MeterId, u32, bool)>,
    /// What has become of tokens that were lent.
    pub settled: Vec<Settled>,
}

/// What the lender has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenLoan {
    /// The number of the plea it had before it.
    pub number: u64,
    /// Tokens: of what, under which number, how many.
    pub tokens: Vec<(MeterId, u64, u32)>,
    /// Where there are none, and about when there will be.
    pub dry: Vec<(MeterId, Duration)>,
}

#[derive(Debug, Clone, Default)]
struct Meter {
    purse: Purse,
    /// Tokens that places which were asked for are going to need.
    promised: u32,
    /// Nothing to be had before.
    dry_until: Option<Moment>,
    /// Answers in a row that did not come.
    unanswered: u32,
    /// Tasks that could start if there were tokens and slots.
    need: u32,
    /// Whether a slot is kept for one.
    hoped: bool,
    /// Tokens that are waited for: slots are free that nobody else wants.
    want: u32,
    /// Tokens for a slot that is kept and that others want.
    hope: u32,
    /// What the lender still takes for wanted.
    told: u32,
}

impl Meter {
    fn spare(&self, now: Moment) -> u32 {
        self.purse.valid(now).saturating_sub(self.promised)
    }

    /// Whether there is anything that the lender would like to know.
    fn owes(&self) -> bool {
        self.purse.untold().is_some() || self.purse.returns_at(0).is_some()
    }
}

/// All meters, and what was told of them.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    meters: Vec<Meter>,
    number: u64,
    /// When pleas were sent that may still be answered.
    sent: VecDeque<(u64, Moment)>,
    last_sent: Option<Moment>,
    /// A slot waits for the answer.
    is_urgent: bool,
    /// Since when a wish is another than was told.
    changed: Option<Moment>,
    /// When the next plea is due, as far as is known.
    plea_at: Option<Moment>,
}

impl Tokens {
    /// When the next plea is due, if there is anything to tell.
    fn due(&mut self, now: Moment) -> Option<Moment> {
        let differs = self.meters.iter().any(|meter| meter.want != meter.told);
        self.changed = differs.then(|| self.changed.unwrap_or(now));
        let is_starved = self.meters.iter().any(|meter| meter.want > 0 && meter.told == 0);
        let is_wanted = self.meters.iter().any(|meter| meter.want > 0);
        let told = self.meters.iter().flat_map(|meter| {
            let untold = meter.purse.untold().map(|at| at + TOLD_WITHIN);
            [untold, meter.purse.returns_at(meter.promised)]
        });
        let soonest = [
            (self.is_urgent || is_starved).then_some(now),
            self.changed.map(|at| at + CHANGE_WITHIN),
            self.last_sent.filter(|_| is_wanted).map(|at| at + REPEAT_EVERY),
        ];
        let due = told.chain(soonest).flatten().min()?;
        Some(self.last_sent.map_or(due, |last| due.max(last + PLEA_GAP)))
    }
}

impl Intake {
    /// Adds something that tokens are counted for.
    pub fn add_meter(&mut self) -> MeterId {
        self.tokens.meters.push(Meter::default());
        MeterId(self.tokens.meters.len() - 1)
    }

    /// Each start of a task of this queue takes a token of this meter from now on.
    pub fn measure(&mut self, id: QueueId, meter: MeterId) {
        self.queues[id.0].meters.push(meter);
    }

    /// The lender has answered, or sends tokens that have come.
    pub fn lent(&mut self, loan: &TokenLoan, now: Moment) {
        let sent = self.tokens.sent.iter().find(|(number, _)| *number == loan.number);
        let Some((_, sent)) = sent.copied() else { return };
        for (id, number, count) in &loan.tokens {
            let meter = &mut self.tokens.meters[id.0];
            meter.purse.put(*number, *count, now, sent + LOAN);
            meter.told = meter.told.saturating_sub(*count);
            (meter.dry_until, meter.unanswered) = (None, 0);
        }
        for (id, wait) in &loan.dry {
            let meter = &mut self.tokens.meters[id.0];
            (meter.dry_until, meter.unanswered) = (Some(now + *wait), 0);
        }
        self.count_promises();
        for at in 0..self.queues.len() {
            let id = QueueId(at);
            if self.has_tokens(id, now) || self.is_dry(id, now) {
                self.stop_hoping(id);
            }
        }
    }

    /// What is to be sent now; the lender answers it.
    pub fn plea(&mut self, now: Moment) -> TokenPlea {
        let is_draining = self.draining;
        let tokens = &mut self.tokens;
        let was_urgent = tokens.is_urgent;
        tokens.number += 1;
        tokens.sent.retain(|(_, at)| now.since(*at) < LOAN);
        tokens.sent.push_back((tokens.number, now));
        (tokens.last_sent, tokens.is_urgent, tokens.changed) = (Some(now), false, None);
        let (mut wants, mut settled) = (Vec::new(), Vec::new());
        for (at, meter) in tokens.meters.iter_mut().enumerate() {
            settled.extend(match is_draining {
                true => meter.purse.empty(now),
                false => meter.purse.settle(meter.promised, now),
            });
            match was_urgent && meter.hope > 0 {
                true => wants.push((MeterId(at), meter.hope, false)),
                false if meter.want > 0 || meter.told > 0 => wants.push((MeterId(at), meter.want, true)),
                false => (),
            }
            meter.told = meter.want;
        }
        TokenPlea {
            number: tokens.number,
            wants,
            settled,
        }
    }

    /// Whether the next task of a queue could be paid for, beside those that were asked for.
    pub(super) fn has_tokens(&self, id: QueueId, now: Moment) -> bool {
        let meters = &self.queues[id.0].meters;
        meters
            .iter()
            .all(|meter| self.tokens.meters[meter.0].spare(now) > 0)
    }

    /// Whether a task that was asked for can be paid for.
    pub(super) fn is_payable(&self, id: QueueId, now: Moment) -> bool {
        let meters = &self.queues[id.0].meters;
        meters
            .iter()
            .all(|meter| self.tokens.meters[meter.0].purse.valid(now) > 0)
    }

    /// Whether a token is missing that is not to be had.
    fn is_dry(&self, id: QueueId, now: Moment) -> bool {
        let meters = self.queues[id.0]
            .meters
            .iter()
            .map(|meter| &self.tokens.meters[meter.0]);
        meters
            .into_iter()
            .any(|meter| meter.dry_until.is_some() && meter.spare(now) == 0)
    }

    /// Whether a queue may be chosen: it has a token, or may hope for one.
    pub(super) fn may_start(&self, id: QueueId, now: Moment) -> bool {
        let may_hope = self.queues[id.0].hoping_until.is_none() && !self.is_dry(id, now);
        may_hope || self.has_tokens(id, now)
    }

    /// What a class is granted while it has no token is for one burst, not for as long as it was limited.
    pub(super) fn bound_credit(&mut self, now: Moment) {
        for at in 0..self.queues.len() {
            let id = QueueId(at);
            if !self.queues[at].meters.is_empty() && !self.may_start(id, now) {
                self.delayed(id);
            }
        }
    }

    /// Whether one that is kept could start in a free slot.
    pub(super) fn may_start_kept(&self, id: QueueId, now: Moment) -> bool {
        !self.queues[id.0].window.is_empty() && self.may_start(id, now)
    }

    /// Whether nothing more of it is to come unasked: it could not start.
    pub(super) fn is_shut(&self, id: QueueId, now: Moment) -> bool {
        let queue = &self.queues[id.0];
        !queue.meters.is_empty() && (!queue.window.is_empty() || self.is_dry(id, now))
    }

    /// The queues whose tokens are those of this one.
    pub(super) fn sharing(&self, id: QueueId) -> Vec<QueueId> {
        let meters = &self.queues[id.0].meters;
        if meters.is_empty() {
            return Vec::new();
        }
        let shares = |at: &usize| self.queues[*at].meters.iter().any(|meter| meters.contains(meter));
        (0..self.queues.len()).filter(shares).map(QueueId).collect()
    }

    /// Counts the tokens that places which were asked for are going to need.
    pub(super) fn count_promises(&mut self) {
        self.tokens.meters.iter_mut().for_each(|meter| meter.promised = 0);
        for queue in &self.queues {
            for meter in &queue.meters {
                self.tokens.meters[meter.0].promised += queue.reserved();
            }
        }
    }

    /// One more place is going to be asked for.
    pub(super) fn promise(&mut self, id: QueueId) {
        for meter in &self.queues[id.0].meters {
            self.tokens.meters[meter.0].promised += 1;
        }
    }

    /// A task starts.
    pub(super) fn spend(&mut self, id: QueueId, now: Moment) {
        for meter in &self.queues[id.0].meters {
            self.tokens.meters[meter.0].purse.spend(now);
        }
    }

    /// Keeps a slot, which is charged, for the answer of the lender.
    pub(super) fn hope(&mut self, id: QueueId, now: Moment) {
        let patience = self.round_trip.deadline() * 2 + PLEA_GAP;
        self.queues[id.0].hoping_until = Some(now + patience);
        self.tokens.is_urgent = true;
    }

    fn stop_hoping(&mut self, id: QueueId) {
        if self.queues[id.0].hoping_until.take().is_some() {
            self.refund(id, 1);
        }
    }

    pub(super) fn forget_hopes(&mut self) {
        (0..self.queues.len()).for_each(|at| self.stop_hoping(QueueId(at)));
    }

    /// The connection was lost: nobody has heard what was wanted.
    pub(super) fn forget_pleas(&mut self) {
        self.forget_hopes();
        self.tokens.meters.iter_mut().for_each(|meter| meter.told = 0);
        self.decided
            .retain(|decision| !matches!(decision, Decision::Plead));
    }

    /// Frees slots whose answer did not come, and opens queues that were shut for long enough.
    pub(super) fn expire_tokens(&mut self, now: Moment) {
        for meter in &mut self.tokens.meters {
            meter.dry_until = meter.dry_until.filter(|until| *until > now);
        }
        for at in 0..self.queues.len() {
            if self.queues[at].hoping_until.is_none_or(|until| until > now) {
                continue;
            }
            self.stop_hoping(QueueId(at));
            for meter in &self.queues[at].meters {
                let meter = &mut self.tokens.meters[meter.0];
                if meter.spare(now) == 0 {
                    let shut = SHUT_MIN * (1 << meter.unanswered.min(SHUT_DOUBLINGS_MAX));
                    meter.dry_until = Some(now + shut);
                    meter.unanswered += 1;
                }
            }
        }
    }

    pub(super) fn tokens_deadline(&self) -> Option<Moment> {
        let hopes = self.queues.iter().map(|queue| queue.hoping_until);
        let dry = self.tokens.meters.iter().map(|meter| meter.dry_until);
        hopes.chain(dry).chain([self.tokens.plea_at]).flatten().min()
    }

    /// Finds out what tokens could be used, and tells the lender when it is time.
    pub(super) fn plan_plea(&mut self, now: Moment) {
        if self.tokens.meters.is_empty() {
            return;
        }
        self.count_promises();
        self.count_wants(now);
        // One that stops has no time to lose.
        self.tokens.is_urgent |= self.draining && self.tokens.meters.iter().any(Meter::owes);
        let due = self.tokens.due(now);
        self.tokens.plea_at = due.filter(|at| *at > now);
        if due.is_some_and(|at| at <= now) {
            self.decided.push_back(Decision::Plead);
        }
    }

    fn count_wants(&mut self, now: Moment) {
        let (free, slots, draining) = (self.free(), self.slots, self.draining);
        let meters = &mut self.tokens.meters;
        for meter in meters.iter_mut() {
            (meter.need, meter.hoped) = (0, false);
        }
        for queue in &self.queues {
            for meter in &queue.meters {
                let meter = &mut meters[meter.0];
                meter.need = meter
                    .need
                    .saturating_add(queue.room() + queue.window.len() as u32);
                meter.hoped |= queue.hoping_until.is_some();
            }
        }
        for meter in meters {
            let lacking = |usable: u32| match draining {
                true => 0,
                false => meter.need.min(usable).saturating_sub(meter.spare(now)),
            };
            let wanted_by_others = meter.hoped && free == 0;
            (meter.hope, meter.want) = match wanted_by_others {
                true => (lacking(slots.div_ceil(WANT_PART)), 0),
                false => (0, lacking(free + u32::from(meter.hoped))),
            };
        }
    }
}
