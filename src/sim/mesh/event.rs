//! What happens in a world.

use std::time::Duration;

use super::consumer::{Inbox, Reply};
use crate::sim::record::End;

/// One task, from its publication to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    pub(super) queue: usize,
    pub(super) facts: Facts,
    pub(super) arrived_us: u64,
    pub(super) started_us: Option<u64>,
    /// When it was done or given up.
    pub(super) finished_us: Option<u64>,
    pub(super) end: End,
    pub(super) deliveries: u64,
}

/// What is fixed about a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Facts {
    pub(super) cost_us: u64,
    /// What it is expected to cost; none where only its class is known.
    pub(super) hint_us: Option<u64>,
    pub(super) class: usize,
    pub(super) tenant: u32,
    pub(super) deadline_us: Option<u64>,
    pub(super) urgency: f64,
    pub(super) business_weight: f64,
    /// Whether reports count it.
    pub(super) is_counted: bool,
    /// The client that waits for its answer.
    pub(super) client: Option<usize>,
}

impl Facts {
    /// A task of that cost, of which nothing else is known.
    pub(super) const fn plain(class: usize, cost_us: u64) -> Self {
        Self {
            cost_us,
            hint_us: None,
            class,
            tenant: 0,
            deadline_us: None,
            urgency: 0.0,
            business_weight: 0.0,
            is_counted: true,
            client: None,
        }
    }
}

#[derive(Debug)]
pub(super) enum Event {
    /// A task reaches the server, on that queue or on the shortest of its tenant's hand.
    Publish {
        queue: Option<usize>,
        facts: Facts,
    },
    /// The queues are looked over.
    Sweep,
    /// What was seen reaches the workers.
    Views {
        seen: Vec<(usize, Option<usize>)>,
        at_us: u64,
    },
    /// A worker dies.
    Crash {
        worker: usize,
    },
    /// Nobody has answered for a delivery.
    AckWait {
        task: usize,
        delivery: u64,
    },
    /// A message reaches the server.
    Up {
        worker: usize,
        order: Order,
    },
    PullAwakes {
        queue: usize,
        serial: u64,
    },
    PullExpires {
        queue: usize,
        serial: u64,
    },
    /// A message reaches a worker.
    Down {
        worker: usize,
        /// Which life of the worker it was sent to.
        life: u64,
        queue: usize,
        reply: Reply,
    },
    Done {
        worker: usize,
        task: usize,
        delivery: u64,
    },
    Wake {
        worker: usize,
    },
}

#[derive(Debug)]
pub(super) enum Order {
    Pull {
        queue: usize,
        inbox: Inbox,
        batch: u32,
        expires: Duration,
    },
    Withdraw {
        generation: u64,
    },
    Ack {
        task: usize,
    },
    /// It was given up: the server need not keep it.
    GivenUp {
        task: usize,
        end: End,
    },
    HandBack {
        task: usize,
    },
}

impl Order {
    pub(super) fn is_ask(&self) -> bool {
        matches!(
            self,
            Self::Pull {
                inbox: Inbox::Ask(_),
                ..
            }
        )
    }
}
