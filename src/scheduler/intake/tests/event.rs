//! What happens in a world.

use std::time::Duration;

use super::consumer::{Inbox, Reply};

#[derive(Debug)]
pub(super) struct Task {
    pub(super) queue: usize,
    pub(super) cost_us: u64,
    pub(super) started_us: Option<u64>,
    pub(super) finished_us: Option<u64>,
    pub(super) deliveries: u64,
}

#[derive(Debug)]
pub(super) enum Event {
    Publish {
        queue: usize,
        cost_us: u64,
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
        queue: usize,
        reply: Reply,
    },
    Done {
        worker: usize,
        task: usize,
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
