//! What happens in a world.

use std::time::Duration;

use super::consumer::{Inbox, Reply};
use crate::scheduler::rate::{Lent, Plea};
use crate::sim::record::End;
use crate::sim::task::Facts;

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
    /// Tokens of a rate may have come.
    Refilled,
    /// What a worker is lent reaches it.
    Lent {
        worker: usize,
        life: u64,
        lent: Lent,
    },
    Done {
        worker: usize,
        task: usize,
        delivery: u64,
    },
    Wake {
        worker: usize,
    },
    /// A worker is told that a task came to a queue in which few wait.
    Told {
        worker: usize,
        life: u64,
        queue: usize,
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
    /// Tokens are asked for.
    Plead {
        life: u64,
        plea: Plea,
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
