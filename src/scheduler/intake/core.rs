//! The intake: events in, decisions out.

use std::collections::VecDeque;
use std::time::Duration;

use super::asks::{Asks, Released};
use super::facts::{AskEnd, Decision, PullId, PullOutcome, QueueId, QueueSpec, View};
use super::queue::{Knowledge, Queue};
use super::round_trip::RoundTrip;
use super::spread::{Debt, phase};
use super::tokens::Tokens;
use crate::scheduler::cost::{CostId, CostModel};
use crate::scheduler::facts::{COST_MIN_MS, ClassId, Flow, Ticket};
use crate::scheduler::picker::{Picker, Sight};
use crate::scheduler::rules::{ClassTerms, Rules};
use crate::scheduler::shadow::Watched;
use crate::task::Moment;

/// How long a queue that refused a pull is left alone.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);
/// What was seen of heads this long ago says nothing any more. Heads are looked at four times a second where the rule
/// of the leading coordinator compares them, once where only this worker's does: then two sweeps were missed.
const VIEW_STALE: Duration = Duration::from_millis(2500);

/// What an intake is made with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntakeConfig {
    /// Places to execute; at least 1.
    pub slots: u32,
    /// How a free slot chooses.
    pub rules: Rules,
    /// Spreads the first choices of many workers; any number. Numbers that follow each other spread best.
    pub seed: u64,
}

/// One worker's intake. Feed it events, then take decisions with [`Intake::poll`] until there are
/// none, and call again at [`Intake::next_deadline`].
///
/// Invariant: tasks admitted with `Start` and not yet finished never exceed the slots.
#[derive(Debug)]
pub struct Intake {
    pub(super) slots: u32,
    pub(super) seed: u64,
    pub(super) picker: Watched,
    pub(super) costs: CostModel,
    pub(super) queues: Vec<Queue>,
    members: Vec<Vec<QueueId>>,
    pub(super) debts: Vec<Debt>,
    pub(super) running: u32,
    /// Tasks that came back once too often to be handed back, in order of arrival.
    pub(super) parked: VecDeque<(QueueId, Ticket, Option<Flow>)>,
    pub(super) last_ticket: u64,
    /// When heads were last seen.
    viewed_at: Option<Moment>,
    /// Picks made by the balances for want of a view, since they were last taken.
    pub(super) blind: u64,
    pub(super) round_trip: RoundTrip,
    pub(super) tokens: Tokens,
    pub(super) last_pull: u64,
    pub(super) generation: u64,
    pub(super) waits_open: bool,
    /// One slot is kept for what a round of checks may bring.
    pub(super) hold_until: Option<Moment>,
    pub(super) free_since: Option<Moment>,
    /// Places came back unfilled: they have waited enough and are asked for without company.
    pub(super) hurried: bool,
    /// When it was last decided what to ask: a time before it needs no timer any more.
    pub(super) planned_at: Moment,
    pub(super) draining: bool,
    pub(super) decided: VecDeque<Decision>,
    /// Asks that ended without a status of the server, since they were last taken.
    pub(super) ended: Vec<PullOutcome>,
    pub(super) reasons: Option<Reasons>,
}

impl Intake {
    /// An intake without queues.
    #[must_use]
    pub fn new(config: IntakeConfig) -> Self {
        Self {
            slots: config.slots.max(1),
            seed: config.seed,
            picker: Watched::new(config.rules),
            costs: CostModel::default(),
            queues: Vec::new(),
            members: Vec::new(),
            debts: Vec::new(),
            running: 0,
            parked: VecDeque::new(),
            last_ticket: 0,
            viewed_at: None,
            blind: 0,
            round_trip: RoundTrip::new(),
            tokens: Tokens::default(),
            last_pull: 0,
            generation: 0,
            waits_open: false,
            hold_until: None,
            free_since: None,
            hurried: false,
            planned_at: Moment::default(),
            draining: false,
            decided: VecDeque::new(),
            ended: Vec::new(),
            reasons: None,
        }
    }

    /// Says why for picks from now on, with queues under these names, in the order they were added. It costs a look at
    /// every queue per pick.
    pub fn explain(&mut self, names: Vec<String>) {
        let lines = self
            .reasons
            .take()
            .map(|reasons| reasons.lines)
            .unwrap_or_default();
        self.reasons = Some(Reasons { names, lines });
    }

    /// Why the picks since the last call came out as they did, one line each.
    pub fn take_reasons(&mut self) -> Vec<String> {
        let lines = self
            .reasons
            .as_mut()
            .map(|reasons| std::mem::take(&mut reasons.lines));
        lines.unwrap_or_default()
    }

    /// Adds a class.
    pub fn add_class(&mut self, terms: ClassTerms) -> ClassId {
        let class = self.picker.add_class(terms);
        self.members.push(Vec::new());
        self.debts.push(Debt::default());
        self.picker.start_at(phase(self.seed));
        class
    }

    /// Adds a kind of task whose cost is learned, expected to be `initial_ms` of one slot; above 0.
    pub fn add_cost(&mut self, initial_ms: f64) -> CostId {
        self.costs.add(initial_ms)
    }

    /// Adds a queue; nothing is known of it yet. The first one gives its class a random debt of up
    /// to one task.
    pub fn add_queue(&mut self, spec: QueueSpec) -> QueueId {
        let estimate_ms = self.costs.estimate_ms(spec.cost);
        let queue = self.picker.add_queue(spec.class, spec.lane, estimate_ms);
        if self.members[spec.class.0].is_empty() {
            self.owe(spec.class, estimate_ms);
        }
        self.members[spec.class.0].push(queue);
        let window = self.picker.terms(spec.class).lookahead.window;
        self.queues
            .push(Queue::new(spec, if window > 1 { window } else { 0 }));
        queue
    }

    /// A queue's limit changed.
    pub fn set_limit(&mut self, queue: QueueId, limit: u32) {
        self.queues[queue.0].spec.limit = limit;
    }

    /// A sweep saw so much of a queue.
    pub fn viewed(&mut self, id: QueueId, view: &View, now: Moment) {
        self.viewed_at = Some(now);
        let queue = &mut self.queues[id.0];
        queue.outlook.viewed(view);
        let is_news = !matches!(queue.knowledge, Knowledge::Backlog(n) if n > 0);
        if is_news && view.depth > 0 && queue.resting_until.is_none() {
            queue.knowledge = Knowledge::Backlog(view.depth);
        }
    }

    /// A task of `flow` that was started is done or given up, after `cost_ms` of its slot.
    pub fn finished(&mut self, id: QueueId, flow: Option<Flow>, cost_ms: f64) {
        self.running = self.running.saturating_sub(1);
        let queue = &mut self.queues[id.0];
        queue.held = queue.held.saturating_sub(1);
        let cost_ms = cost_ms.max(COST_MIN_MS);
        let charged_ms = queue.ledger.settle(1);
        if let (Some(flow), 1..) = (flow, queue.window_max) {
            queue.window.charge(flow, cost_ms - charged_ms);
        }
        let QueueSpec { class, cost, .. } = queue.spec;
        self.costs.settle(cost, cost_ms);
        self.picker.settle(id, flow, 1, [charged_ms, cost_ms]);
        let estimate_ms = self.costs.estimate_ms(cost);
        self.picker.estimate(id, estimate_ms);
        self.owe(class, estimate_ms);
    }

    /// The server ended an ask. None when it no longer counted: filled, or overdue before.
    pub fn ask_ended(&mut self, id: QueueId, pull: PullId, end: AskEnd, now: Moment) -> Option<PullOutcome> {
        if let Some(took) = self.queues[id.0].asks.round_trip_of(pull, end, now) {
            self.round_trip.sample(took);
        }
        let reserved = self.queues[id.0].reserved();
        let released = self.queues[id.0].asks.end(pull, end)?;
        self.unreserve(id, reserved);
        let queue = &mut self.queues[id.0];
        queue.checked_at = Some(now);
        match end {
            AskEnd::Empty => {
                queue.knowledge = Knowledge::Quiet;
                queue.outlook.emptied();
            }
            // Not emptied: the class keeps its credit, and its queue is asked again.
            AskEnd::Expired { .. } => {
                self.missed(id, &released, now);
                return Some(released.outcome);
            }
            AskEnd::Refused => {
                queue.knowledge = Knowledge::Unknown;
                queue.unavailable_until = Some(now + REFUSED_PAUSE);
            }
        }
        self.forget_credit(id);
        Some(released.outcome)
    }

    /// The server ended a wait without a task; `refused` when not by its expiry.
    pub fn wait_ended(&mut self, id: QueueId, generation: u64, refused: bool, now: Moment) {
        let queue = &mut self.queues[id.0];
        if generation == self.generation {
            queue.waiting = None;
        }
        queue.checked_at = Some(now);
        if refused {
            queue.unavailable_until = Some(now + REFUSED_PAUSE);
        }
    }

    /// The connection was lost and is back: nothing that was asked will be answered.
    pub fn reconnected(&mut self) {
        for at in 0..self.queues.len() {
            let reserved = self.queues[at].reserved();
            self.queues[at].asks = Asks::default();
            self.unreserve(QueueId(at), reserved);
            let queue = &mut self.queues[at];
            queue.waiting = None;
            queue.knowledge = Knowledge::Unknown;
            queue.checked_at = None;
            queue.rested();
        }
        self.hold_until = None;
        self.forget_pleas();
        // The next wait opens a generation of its own: the inbox of this one is gone.
        self.waits_open = false;
        // What was asked for is asked for anew; all else is decided.
        self.decided
            .retain(|d| !matches!(d, Decision::Ask { .. } | Decision::Wait { .. }));
    }

    /// Tasks that were started and are not finished.
    #[must_use]
    pub fn running(&self) -> u32 {
        self.running
    }

    /// Slots that neither run a task nor are kept for one.
    #[must_use]
    pub fn free(&self) -> u32 {
        let kept = |queue: &Queue| queue.reserved() + u32::from(queue.hoping_until.is_some());
        let reserved: u32 = self.queues.iter().map(kept).sum();
        self.slots
            .saturating_sub(self.running)
            .saturating_sub(reserved)
            .saturating_sub(self.parked.len() as u32)
    }

    /// Whether nothing runs, is kept, or is still to come.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let holds = |q: &Queue| q.held > 0 || q.asks.reserved() > 0;
        self.running == 0 && self.parked.is_empty() && !self.queues.iter().any(holds)
    }

    /// Whether anything is made of what a task of the queue says of itself; where not, nobody needs to read it.
    #[must_use]
    pub fn reads_tasks(&self, id: QueueId) -> bool {
        // By the rule in force alone: one that is asked sees what is read for that.
        self.queues[id.0].window_max > 0 || self.picker.compares_heads()
    }

    /// The class of a queue.
    #[must_use]
    pub fn class_of(&self, id: QueueId) -> ClassId {
        self.queues[id.0].spec.class
    }

    /// What the rules know of a class.
    #[must_use]
    pub fn terms(&self, class: ClassId) -> &ClassTerms {
        self.picker.terms(class)
    }

    /// The smoothed time from a pull to its first answer.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        self.round_trip.smoothed()
    }

    /// How long an ask may stay unanswered before its places are free again.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.round_trip.ask_expires() + self.round_trip.deadline()
    }

    /// What one task of a queue is expected to cost, in ms of one slot.
    #[must_use]
    pub fn estimate_ms(&self, id: QueueId) -> f64 {
        self.costs.estimate_ms(self.queues[id.0].spec.cost)
    }

    /// The next thing to do, if any.
    pub fn poll(&mut self, now: Moment) -> Option<Decision> {
        if self.decided.is_empty() {
            self.expire(now);
            self.free_since = (self.free() > 0).then(|| self.free_since.unwrap_or(now));
            self.planned_at = now;
            self.plan(now);
        }
        self.decided.pop_front()
    }

    /// An ask ended short of tasks that were known to be there.
    pub(super) fn missed(&mut self, id: QueueId, released: &Released, now: Moment) {
        let queue = &mut self.queues[id.0];
        queue.missed(released, now, &self.round_trip);
        self.delayed(id);
        self.hurried = true;
        self.forget_credit(id);
    }

    /// A queue cannot be served for a moment: bounds what its class may make up for.
    pub(super) fn delayed(&mut self, id: QueueId) {
        // What its running tasks turn out to be cheaper than estimated is given back as well.
        let all_slots_ms = f64::from(self.slots) * self.estimate_ms(id);
        self.picker.delayed(self.queues[id.0].spec.class, all_slots_ms);
    }

    /// Charges a queue for one more place or task.
    pub(super) fn charge(&mut self, id: QueueId) {
        let estimate_ms = self.estimate_ms(id);
        self.queues[id.0].ledger.book(estimate_ms);
        self.picker.charge(id, estimate_ms);
    }

    /// Gives back what so many places were charged.
    pub(super) fn refund(&mut self, id: QueueId, places: u32) {
        let charged_ms = self.queues[id.0].ledger.settle(places);
        self.picker.settle(id, None, places, [charged_ms, 0.0]);
    }

    /// Places that were asked for are not to come: frees those of the `before` slots that were reserved for them.
    pub(super) fn unreserve(&mut self, id: QueueId, before: u32) {
        let places = self.queues[id.0].unreserved(before);
        self.refund(id, places);
    }

    /// Whether heads may be compared at `now`.
    pub(super) fn sight(&self, now: Moment) -> Sight {
        match self.viewed_at {
            Some(at) if now.since(at) < VIEW_STALE => Sight::Heads,
            _ => Sight::Blind,
        }
    }

    /// Takes the credit of a class none of whose queues is known to hold a task.
    pub(super) fn forget_credit(&mut self, id: QueueId) {
        let class = self.queues[id.0].spec.class;
        let backlogged = |q: &QueueId| matches!(self.queues[q.0].knowledge, Knowledge::Backlog(n) if n > 0);
        if !self.members[class.0].iter().any(backlogged) {
            self.picker.emptied(class);
        }
    }
}

/// Why picks came out as they did, where somebody wants to know.
#[derive(Debug)]
pub(super) struct Reasons {
    names: Vec<String>,
    lines: Vec<String>,
}

impl Reasons {
    pub(super) fn note(&mut self, picker: &Picker, sight: Sight, now: Moment) {
        let name = |queue: QueueId| match self.names.get(queue.0) {
            Some(name) => name.clone(),
            None => format!("queue {}", queue.0),
        };
        self.lines.extend(picker.explain(sight, now, &name));
    }
}
