//! The intake: events in, decisions out.

use std::collections::VecDeque;
use std::time::Duration;

use super::asks::Released;
use super::facts::{AskEnd, Decision, PullId, PullOutcome, QueueId, QueueSpec};
use super::queue::{Knowledge, Queue};
use super::round_trip::RoundTrip;
use crate::scheduler::weighted::{COST_MIN_MS, ClassId, Shares};
use crate::task::{Moment, fnv1a_64};

/// How long a queue that refused a pull is left alone.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// What an intake is made with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntakeConfig {
    /// Places to execute; at least 1.
    pub slots: u32,
    /// Service a round adds, in ms of one slot.
    pub quantum_ms: f64,
    /// Spreads the first choices of many workers; any number, such as a hash of the worker's id.
    pub seed: u64,
}

/// One worker's intake. Feed it events, then take decisions with [`Intake::poll`] until there are
/// none, and call again at [`Intake::next_deadline`].
///
/// Invariant: tasks admitted with `Start` and not yet finished never exceed the slots.
#[derive(Debug)]
pub struct Intake {
    pub(super) slots: u32,
    seed: u64,
    pub(super) shares: Shares,
    pub(super) queues: Vec<Queue>,
    pub(super) members: Vec<VecDeque<QueueId>>,
    pub(super) running: u32,
    pub(super) parked: u32,
    pub(super) round_trip: RoundTrip,
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
}

impl Intake {
    /// An intake without queues.
    #[must_use]
    pub fn new(config: IntakeConfig) -> Self {
        Self {
            slots: config.slots.max(1),
            seed: config.seed,
            shares: Shares::new(config.quantum_ms),
            queues: Vec::new(),
            members: Vec::new(),
            running: 0,
            parked: 0,
            round_trip: RoundTrip::new(),
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
        }
    }

    /// Adds a class with its share.
    pub fn add_class(&mut self, share: f64) -> ClassId {
        let class = self.shares.add(share, 0.0);
        self.members.push(VecDeque::new());
        self.shares.start_at(phase(self.seed));
        class
    }

    /// Adds a queue; nothing is known of it yet. The first one gives its class a random debt of up
    /// to one task.
    pub fn add_queue(&mut self, spec: QueueSpec) -> QueueId {
        let queue = QueueId(self.queues.len());
        if self.members[spec.class.0].is_empty() {
            let debt = phase(self.seed.rotate_left(17) ^ spec.class.0 as u64) * spec.estimate_ms;
            self.shares.charge(spec.class, debt);
        }
        self.members[spec.class.0].push_back(queue);
        self.queues.push(Queue::new(spec));
        queue
    }

    /// A queue's limit changed.
    pub fn set_limit(&mut self, queue: QueueId, limit: u32) {
        self.queues[queue.0].spec.limit = limit;
    }

    /// A task that was started is done or given up, after `cost_ms` of its slot.
    pub fn finished(&mut self, id: QueueId, cost_ms: f64) {
        self.running = self.running.saturating_sub(1);
        let queue = &mut self.queues[id.0];
        queue.held = queue.held.saturating_sub(1);
        self.shares.charge(
            queue.spec.class,
            cost_ms.max(COST_MIN_MS) - queue.spec.estimate_ms,
        );
    }

    /// A parked task was handed back without having started.
    pub fn unparked(&mut self, id: QueueId) {
        self.parked = self.parked.saturating_sub(1);
        let queue = &mut self.queues[id.0];
        queue.held = queue.held.saturating_sub(1);
        self.shares.charge(queue.spec.class, -queue.spec.estimate_ms);
    }

    /// The server ended an ask. None when it no longer counted: filled, or overdue before.
    pub fn ask_ended(&mut self, id: QueueId, pull: PullId, end: AskEnd, now: Moment) -> Option<PullOutcome> {
        if let Some(took) = self.queues[id.0].asks.round_trip_of(pull, end, now) {
            self.round_trip.sample(took);
        }
        let released = self.queues[id.0].asks.end(pull, end)?;
        self.release(id, released.places);
        let queue = &mut self.queues[id.0];
        queue.checked_at = Some(now);
        match end {
            AskEnd::Empty => queue.knowledge = Knowledge::Quiet,
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
            let lost = std::mem::take(&mut self.queues[at].asks).reserved();
            self.release(QueueId(at), lost);
            let queue = &mut self.queues[at];
            queue.waiting = None;
            queue.knowledge = Knowledge::Unknown;
            queue.checked_at = None;
            queue.rested();
        }
        self.hold_until = None;
        // The next wait opens a generation of its own: the inbox of this one is gone.
        self.waits_open = false;
        // An inbox that was given up stays given up.
        self.decided.retain(|d| matches!(d, Decision::CloseWaits { .. }));
    }

    /// Nothing more is asked for; what still arrives is handed back.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Tasks that were started and are not finished.
    #[must_use]
    pub fn running(&self) -> u32 {
        self.running
    }

    /// Slots that neither run a task nor wait for one that was asked for.
    #[must_use]
    pub fn free(&self) -> u32 {
        let reserved: u32 = self.queues.iter().map(|q| q.asks.reserved()).sum();
        self.slots
            .saturating_sub(self.running)
            .saturating_sub(reserved)
            .saturating_sub(self.parked)
    }

    /// Whether nothing runs, is parked, or is still to come.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.running == 0 && self.parked == 0 && self.free() == self.slots
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
        // What its running tasks turn out to be cheaper than estimated is given back as well.
        let refunds_ms = f64::from(self.slots) * queue.spec.estimate_ms;
        self.shares.delayed(queue.spec.class, refunds_ms);
        self.hurried = true;
        self.forget_credit(id);
    }

    pub(super) fn release(&mut self, id: QueueId, places: u32) {
        let spec = self.queues[id.0].spec;
        self.shares
            .charge(spec.class, -f64::from(places) * spec.estimate_ms);
    }

    /// Takes the credit of a class none of whose queues is known to hold a task.
    pub(super) fn forget_credit(&mut self, id: QueueId) {
        let class = self.queues[id.0].spec.class;
        let backlogged = |q: &QueueId| matches!(self.queues[q.0].knowledge, Knowledge::Backlog(n) if n > 0);
        if !self.members[class.0].iter().any(backlogged) {
            self.shares.emptied(class);
        }
    }
}

/// A number from 0 to 1 that looks random and depends on `seed` alone.
fn phase(seed: u64) -> f64 {
    (fnv1a_64(&seed.to_le_bytes()) >> 11) as f64 / (1_u64 << 53) as f64
}
