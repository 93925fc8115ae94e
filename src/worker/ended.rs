//! The end of a task, told to the worker's loop.

use tokio::sync::mpsc;

use super::leases::HeldId;
use super::serve::Done;
use crate::scheduler::intake::QueueId;

/// Frees the slot however the task ends, a panic included: without it the worker would wait for ever.
pub(super) struct Ended {
    tell: mpsc::Sender<Done>,
    pub(super) done: Done,
}

impl Ended {
    /// Of a task that may end without saying how long it took.
    pub(super) fn of(tell: mpsc::Sender<Done>, queue: QueueId, held: HeldId) -> Self {
        let done = Done {
            queue,
            held,
            flow: None,
            cost_ms: Some(0.0),
        };
        Self { tell, done }
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // The channel holds one place per slot, and the shell outlives its tasks.
        if self.tell.try_send(self.done).is_err() {
            tracing::debug!("a task ended after its worker");
        }
    }
}
