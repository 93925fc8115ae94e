//! A task that cannot start yet for the sake of others: it takes no slot and no place of its lane while it waits.

use super::finish::Ending;
use super::serve::{PAUSE_MIN, Run, Service};
use crate::failpoint;
use crate::task::BlockedOn;
use crate::wire::{Blocked, read_history};

impl Service {
    /// Puts a task where the coordinator queues it again once what it waits for is there.
    pub(super) async fn put_aside(&self, run: Run, on: BlockedOn) -> Ending {
        let original = &run.delivery.original;
        let blocked = Blocked {
            task: run.task.clone(),
            history: read_history(&original.headers()),
            on,
        };
        let mut pause = PAUSE_MIN;
        while let Err(error) = self.broker.put_aside(&blocked, original).await {
            tracing::warn!(task.id = %run.task.id, %error, "cannot put a task aside; trying again");
            if !self.pause(&mut pause).await {
                return self.give_back(run).await;
            }
        }
        failpoint::hit("worker.after_aside");
        tracing::debug!(task.id = %run.task.id, %on, "a task waits aside");
        self.broker.ack(run.delivery.lease).await;
        Ending::Blocked
    }
}
