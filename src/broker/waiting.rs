//! Reading the timer a task waits for.

use super::connect::Broker;
use super::error::RequestError;
use super::fetch::epoch;
use super::publish::{SCHEDULE, SCHEDULE_TARGET};
use super::subject;
use crate::task::{EpochMs, Route, Shard, State, Task, TaskId};
use crate::wire::header::SHARD;
use crate::wire::{Arrival, HistoryEntry, Origin, ReadHeaders, parse_rfc3339, read_facts, read_history};

/// A task that waits for its time: one that is to start later, or one that waits out a back-off.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// The task as it will be published.
    pub task: Task,
    /// When.
    pub due: EpochMs,
    /// Its failures so far, oldest first.
    pub history: Vec<HistoryEntry>,
}

impl Waiting {
    /// What the task is meanwhile.
    #[must_use]
    pub const fn state(&self) -> State {
        match self.task.hop {
            0 => State::Scheduled,
            _ => State::Retrying,
        }
    }
}

impl Broker {
    /// Takes back the timer a task waits for. No error when there is none.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn forget_retry(&self, id: &TaskId) -> Result<(), RequestError> {
        let subject = subject::retry_at(id);
        let operation = format!("take back {subject}");
        // Without its message the server has no timer.
        let purged = self.stream(subject::RETRY).await?.purge().filter(subject).await;
        purged.map_err(RequestError::of(operation))?;
        Ok(())
    }

    /// The timer a task waits for. None also for a schedule that cannot be read: it explains where
    /// the task is and decides nothing.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn waiting(&self, id: &TaskId) -> Result<Option<Waiting>, RequestError> {
        let subject = subject::retry_at(id);
        let Some(message) = self.last(subject::RETRY, &subject).await? else {
            return Ok(None);
        };
        let header = |name| message.headers.header(name);
        let due = header(SCHEDULE)
            .and_then(|text| text.strip_prefix("@at "))
            .and_then(|text| parse_rfc3339(text.trim()).ok());
        let shard = header(SHARD).and_then(|text| text.parse().ok());
        let route = header(SCHEDULE_TARGET)
            .and_then(subject::parse_retry)
            .map(|(lane, class, model)| Route {
                lane,
                class,
                model,
                shard: shard.unwrap_or(Shard::Stable(0)),
            });
        let (Some(due), Some(route)) = (due, route) else {
            return Ok(None);
        };
        let task = read_facts(&Arrival {
            route: &route,
            headers: &message.headers,
            body: &message.payload,
            origin: Origin::Elsewhere(message.sequence),
            stored_at: epoch(&message),
        });
        Ok(task.ok().map(|task| Waiting {
            task,
            due,
            history: read_history(&message.headers),
        }))
    }
}
