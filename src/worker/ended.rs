//! The end of a task, told to the worker's loop.

use tokio::sync::mpsc;

use super::serve::Done;

/// Frees the slot however the task ends, a panic included: without it the worker would wait for ever.
pub(super) struct Ended {
    pub(super) tell: mpsc::Sender<Done>,
    pub(super) done: Done,
}

impl Drop for Ended {
    fn drop(&mut self) {
        // The channel holds one place per slot, and the shell outlives its tasks.
        if self.tell.try_send(self.done).is_err() {
            tracing::debug!("a task ended after its worker");
        }
    }
}
