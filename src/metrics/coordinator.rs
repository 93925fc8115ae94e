//! What a coordinator counts.

use metrics::{Gauge, counter, gauge};

use super::catalogue::{
    ARCHIVED, BLOCKED, CALLBACKS, CLASS_SHARE, CONSUMERS, DEAD_LETTERS, DEMOTIONS, EXPIRED, LEADING,
    LIMIT_CHANGES, MOVES, OVERLOAD_LEVEL, PUT_BACK, QUEUE_DEPTH, QUEUE_LIMIT, QUEUE_RUNNING, REPAIRS,
    REPORTS, RETRIES, UNCOVERED, WORKERS,
};
use super::label::{CallbackOutcome, Repair, UncoveredAction};
use super::tally::Tally;
use crate::task::{ClassName, DeadReason, ErrorKind, Lane};

/// What the leader saw of the queues of a class on a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueCounts {
    /// Tasks that wait.
    pub waiting: u64,
    /// Tasks that are out with workers.
    pub out: u64,
    /// Tasks that may be out at once.
    pub limit: u64,
}

/// The handles of a coordinator. Metrics with a class are looked up each time: a verdict waits
/// for the disk of the server, which takes a thousand times longer.
#[derive(Debug)]
pub struct CoordinatorMetrics {
    reports: Tally<ErrorKind>,
    uncovered: Tally<UncoveredAction>,
    callbacks: Tally<CallbackOutcome>,
    repairs: Tally<Repair>,
    leading: Gauge,
    overload: Gauge,
    workers: Gauge,
    blocked: Gauge,
    consumers_core: Gauge,
    consumers_normal: Gauge,
}

impl CoordinatorMetrics {
    /// Makes the handles at the recorder that is installed now; without one they count nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            reports: Tally::new(REPORTS, "kind", &[]),
            uncovered: Tally::new(UNCOVERED, "action", &[]),
            callbacks: Tally::new(CALLBACKS, "outcome", &[]),
            repairs: Tally::new(REPAIRS, "what", &[]),
            leading: gauge!(LEADING),
            overload: gauge!(OVERLOAD_LEVEL),
            workers: gauge!(WORKERS),
            blocked: gauge!(BLOCKED),
            consumers_core: gauge!(CONSUMERS, "lane" => Lane::Core.as_str()),
            consumers_normal: gauge!(CONSUMERS, "lane" => Lane::Normal.as_str()),
        }
    }

    /// A failure report was read.
    pub fn report(&self, kind: ErrorKind) {
        self.reports.count(kind);
    }

    /// A task was scheduled for another attempt.
    pub fn retry(&self, lane: Lane, class: &ClassName) {
        counter!(RETRIES, "lane" => lane.as_str(), "class" => class.as_str().to_owned()).increment(1);
    }

    /// A task that ran out of time in `from` goes on in a lower lane.
    pub fn demotion(&self, from: Lane, class: &ClassName) {
        counter!(DEMOTIONS, "lane" => from.as_str(), "class" => class.as_str().to_owned()).increment(1);
    }

    /// A task that ran out of time was parked.
    pub fn archived(&self, class: &ClassName) {
        counter!(ARCHIVED, "class" => class.as_str().to_owned()).increment(1);
    }

    /// A queued task was moved to `to`, whether it waited for too long or a more urgent one waits for it.
    pub fn moved(&self, to: Lane, class: &ClassName) {
        counter!(MOVES, "lane" => to.as_str(), "class" => class.as_str().to_owned()).increment(1);
    }

    /// A task's time was over, wherever it waited.
    pub fn expired(&self, class: &ClassName) {
        counter!(EXPIRED, "class" => class.as_str().to_owned()).increment(1);
    }

    /// A task was given up.
    pub fn dead_letter(&self, class: &ClassName, reason: DeadReason) {
        counter!(DEAD_LETTERS, "class" => class.as_str().to_owned(), "reason" => reason.as_str())
            .increment(1);
    }

    /// So many subjects without a consumer were found and dealt with.
    pub fn uncovered(&self, action: UncoveredAction, subjects: usize) {
        self.uncovered.count_many(action, subjects as u64);
    }

    /// A result was delivered, or not.
    pub fn callback(&self, outcome: CallbackOutcome) {
        self.callbacks.count(outcome);
    }

    /// Something was put in order.
    pub fn repair(&self, what: Repair) {
        self.repairs.count(what);
    }

    /// Whether this coordinator does what one of them is enough for.
    pub fn leading(&self, is_leading: bool) {
        self.leading.set(if is_leading { 1.0 } else { 0.0 });
    }

    /// The level of overload that holds, 0 to 3; none where another coordinator says which.
    pub fn overload(&self, level: Option<u8>) {
        self.overload.set(level.map_or(0.0, f64::from));
    }

    /// A task that overload had put aside went back to `lane`.
    pub fn put_back(&self, lane: Lane, class: &ClassName) {
        counter!(PUT_BACK, "lane" => lane.as_str(), "class" => class.as_str().to_owned()).increment(1);
    }

    /// A consumer of a lane got another limit.
    pub fn limit_change(&self, lane: Lane) {
        counter!(LIMIT_CHANGES, "lane" => lane.as_str()).increment(1);
    }

    /// How many tasks of a class wait on a lane, are out, and may be out.
    pub fn queue(&self, lane: Lane, class: &ClassName, of: QueueCounts) {
        let labels = [
            ("lane", lane.as_str().to_owned()),
            ("class", class.as_str().to_owned()),
        ];
        for (name, value) in [
            (QUEUE_DEPTH, of.waiting),
            (QUEUE_RUNNING, of.out),
            (QUEUE_LIMIT, of.limit),
        ] {
            gauge!(name, &labels).set(value as f64);
        }
    }

    /// The part of the service that a class is to have, 0 to 1, while all have tasks that wait.
    pub fn share(&self, class: &ClassName, share: f64) {
        gauge!(CLASS_SHARE, "class" => class.as_str().to_owned()).set(share);
    }

    /// How many workers there are.
    pub fn workers(&self, count: usize) {
        self.workers.set(count as f64);
    }

    /// How many tasks wait for others or for a key.
    pub fn blocked(&self, count: usize) {
        self.blocked.set(count as f64);
    }

    /// How many consumers a lane has.
    pub fn consumers(&self, lane: Lane, count: usize) {
        let gauge = match lane {
            Lane::Core => &self.consumers_core,
            Lane::Normal => &self.consumers_normal,
        };
        gauge.set(count as f64);
    }
}

impl Default for CoordinatorMetrics {
    fn default() -> Self {
        Self::new()
    }
}
