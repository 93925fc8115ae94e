//! Keeping what is held alive, from one ticker.

use std::collections::HashMap;

use crate::broker::Broker;
use crate::broker::lease::Heartbeat;

/// A held task by number, unique within the worker.
pub(super) type HeldId = u64;

/// The heartbeats of every task the worker holds, running or parked.
#[derive(Debug, Default)]
pub(super) struct Leases {
    held: HashMap<HeldId, Heartbeat>,
    last: HeldId,
}

impl Leases {
    pub(super) fn hold(&mut self, heartbeat: Heartbeat) -> HeldId {
        self.last += 1;
        self.held.insert(self.last, heartbeat);
        self.last
    }

    pub(super) fn release(&mut self, id: HeldId) {
        self.held.remove(&id);
    }

    /// One sign of life for each; says how many.
    pub(super) async fn keep_alive(&self, broker: &Broker) -> u64 {
        for heartbeat in self.held.values() {
            broker.keep_alive(heartbeat).await;
        }
        self.held.len() as u64
    }
}
