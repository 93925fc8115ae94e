//! A task that cannot start yet for the sake of others: it takes no slot and no place of its lane while it waits.

use super::finish::Ending;
use super::serve::{PAUSE_MIN, Run, Service};
use crate::broker::WriteError;
use crate::broker::publish::PublishError;
use crate::executor::Outcome;
use crate::failpoint;
use crate::task::{BlockedOn, ErrorKind};
use crate::wire::{Blocked, read_history};

/// Pause before a task that found no room where it was to wait is tried again, in ms.
const NO_ROOM_PAUSE_MS: u64 = 5_000;

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
            match &error {
                // With what is known of it, it fits into no message.
                WriteError::Publish(PublishError::TooLarge { .. }) => {
                    return self
                        .finish(run, Outcome::failed(ErrorKind::Permanent, error.to_string()))
                        .await;
                }
                WriteError::Publish(PublishError::Full { .. }) => {
                    return self.finish(run, no_room(&error)).await;
                }
                _ => (),
            }
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

/// It waits on a timer instead, without a slot.
fn no_room(error: &WriteError) -> Outcome {
    Outcome::Failed {
        kind: ErrorKind::Yielded,
        message: format!("it cannot be put aside: {error}"),
        retry_after_ms: Some(NO_ROOM_PAUSE_MS),
    }
}
