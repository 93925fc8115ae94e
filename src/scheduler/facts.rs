//! What the rules are told of classes, queues and heads.

use crate::task::Moment;

/// A class by its place in the list it was added in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId(pub usize);

/// A queue, which is a consumer on a real mesh, by its place in the list it was added in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueueId(pub usize);

/// Whose service is counted, by a hash of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flow(pub u64);

/// A task that a worker holds, by a number of the intake's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What is known of one task before it runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Head {
    /// When it was enqueued.
    pub since: Moment,
    /// When its answer stops being worth having; none where only its class's SLO counts.
    pub deadline: Option<Moment>,
    /// Its tenant or session; none where that is not known.
    pub flow: Option<Flow>,
    /// 0 to 10, 10 is the most urgent.
    pub urgency: f64,
    /// 0 to 10.
    pub business_weight: f64,
    /// What it is expected to cost, in ms of one slot; none where only its queue's estimate is known.
    pub cost_ms: Option<f64>,
}

impl Head {
    /// A task of which nothing is known but when it came.
    #[must_use]
    pub const fn arrived(since: Moment) -> Self {
        Self {
            since,
            deadline: None,
            flow: None,
            urgency: 0.0,
            business_weight: 0.0,
            cost_ms: None,
        }
    }
}

/// Least cost a task is charged, in ms of one slot: taking and settling a task is work too, and
/// a class of free tasks would otherwise be served without end.
pub const COST_MIN_MS: f64 = 1.0;
