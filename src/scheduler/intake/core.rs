//! The intake: events in, decisions out.

use std::collections::VecDeque;
use std::time::Duration;

use super::asks::Filled;
use super::facts::{Admission, AskEnd, Decision, PullId, PullOutcome, QueueId, QueueSpec, Source};
use super::queue::{Knowledge, Queue};
use super::round_trip::RoundTrip;
use crate::scheduler::weighted::{COST_MIN_MS, ClassId, Shares};
use crate::task::{Moment, fnv1a_64};

/// A task that has been delivered this often is parked rather than handed back once more.
const PARK_AFTER_DELIVERIES: u64 = 2;
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
    /// When it was last decided what to ask: a time before it needs no timer any more.
    pub(super) planned_at: Moment,
    pub(super) draining: bool,
    pub(super) decided: VecDeque<Decision>,
    overdue: Vec<QueueId>,
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
            planned_at: Moment::default(),
            draining: false,
            decided: VecDeque::new(),
            overdue: Vec::new(),
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

    /// A task arrived. `backlog` is what the queue still held, `deliveries` how often the task has
    /// been delivered, this time included.
    pub fn delivered(
        &mut self,
        id: QueueId,
        source: Source,
        backlog: u64,
        deliveries: u64,
        now: Moment,
    ) -> Admission {
        let grace = self.round_trip.deadline();
        let queue = &mut self.queues[id.0];
        queue.learned(backlog, now);
        let filled = match source {
            Source::Ask => match queue.asks.late_fill(now) {
                Some(took) => {
                    self.round_trip.at_least(took);
                    queue.asks.fill(now, grace).map(|f| Filled { took: None, ..f })
                }
                None => queue.asks.fill(now, grace),
            },
            Source::Wait => {
                queue.waiting = None;
                queue.resting_until = None;
                self.hold_until = None;
                None
            }
        };
        if let Some(filled) = &filled {
            (queue.misses, queue.resting_until) = (0, None);
            if filled.complete {
                queue.ask_cap = queue.ask_cap.saturating_mul(2);
            }
            if let Some(took) = filled.took {
                self.round_trip.sample(took);
            }
        }
        let charged = filled.is_some();
        self.admit(id, charged, deliveries)
    }

    fn admit(&mut self, id: QueueId, charged: bool, deliveries: u64) -> Admission {
        let QueueSpec {
            class, estimate_ms, ..
        } = self.queues[id.0].spec;
        let admission = if self.draining {
            Admission::HandBack
        } else if self.running < self.slots {
            Admission::Start
        } else if deliveries >= PARK_AFTER_DELIVERIES && self.parked < self.slots {
            Admission::Park
        } else {
            Admission::HandBack
        };
        match admission {
            Admission::Start => self.running += 1,
            Admission::Park => self.parked += 1,
            Admission::HandBack => {
                if charged {
                    self.shares.charge(class, -estimate_ms);
                }
                // It is there again, so the queue holds at least this one.
                let queue = &mut self.queues[id.0];
                if queue.knowledge == Knowledge::Quiet {
                    queue.knowledge = Knowledge::Backlog(1);
                }
                return admission;
            }
        }
        self.queues[id.0].held += 1;
        if !charged {
            self.shares.charge(class, estimate_ms);
        }
        admission
    }

    /// Whether a parked task may start now; it takes the slot if so.
    pub fn start_parked(&mut self) -> bool {
        let can = self.parked > 0 && self.running < self.slots && !self.draining;
        if can {
            self.parked -= 1;
            self.running += 1;
        }
        can
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
                queue.missed(released.filled, now, &self.round_trip);
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
            self.queues[at].waiting = None;
            self.queues[at].knowledge = Knowledge::Unknown;
            self.queues[at].checked_at = None;
        }
        self.hold_until = None;
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

    /// Queues with an ask that ran past its deadline since the last call, for metrics.
    pub fn take_overdue(&mut self) -> Vec<QueueId> {
        std::mem::take(&mut self.overdue)
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

    fn expire(&mut self, now: Moment) {
        let grace = self.round_trip.deadline();
        for at in 0..self.queues.len() {
            if let Some(released) = self.queues[at].asks.overdue(now) {
                self.release(QueueId(at), released.places);
                self.queues[at].missed(released.filled, now, &self.round_trip);
                self.overdue.push(QueueId(at));
            }
            let queue = &mut self.queues[at];
            if let Some(waiting) = queue.waiting {
                if now.since(waiting.since) >= grace && queue.knowledge == Knowledge::Unknown {
                    queue.knowledge = Knowledge::Quiet;
                }
                if waiting.until + grace <= now {
                    queue.waiting = None;
                }
            }
            if queue.unavailable_until.is_some_and(|until| until <= now) {
                queue.unavailable_until = None;
            }
            if queue.resting_until.is_some_and(|until| until <= now) {
                queue.resting_until = None;
            }
        }
        if self.hold_until.is_some_and(|until| until <= now) {
            self.hold_until = None;
        }
    }

    fn release(&mut self, id: QueueId, places: u32) {
        let spec = self.queues[id.0].spec;
        self.shares
            .charge(spec.class, -f64::from(places) * spec.estimate_ms);
    }

    /// Takes the credit of a class none of whose queues is known to hold a task.
    fn forget_credit(&mut self, id: QueueId) {
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
