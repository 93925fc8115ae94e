//! Putting back to work what lies aside, and throwing it away.

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::connect::Broker;
use super::error::{RequestError, WriteError};
use super::fetch::decides;
use super::publish::{Fenced, Original, Published};
use super::shelf::{Kept, Shelf};
use super::subject;
use crate::failpoint;
use crate::task::{DeadReason, EpochMs, ErrorKind, EventKind, State, Task, TaskId};
use crate::wire::{Report, ResultError, ResultRecord, TaskEvent};

/// What became of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replayed {
    /// Its lane has it, as this hop.
    Queued {
        /// The hop.
        hop: u32,
    },
    /// Another record stands, or it was replayed before: nothing was published.
    Stale,
    /// It cannot be read.
    Unreadable,
}

impl Broker {
    /// Puts a task back on its lane, to be executed as if it were new: its lane first, then off the shelf.
    ///
    /// A dead letter goes under the fence of the record that stands, so that its next record replaces
    /// that one and nothing from before can. Two replays of one letter publish one message within the
    /// lane's window of message ids, and two with one record between them later.
    ///
    /// # Errors
    /// [`WriteError`]; replaying again is safe.
    pub async fn replay(&self, shelf: Shelf, kept: &Kept) -> Result<Replayed, WriteError> {
        self.replay_as(shelf, kept, "put back to work by hand").await
    }

    /// The same, and what is told of it.
    ///
    /// # Errors
    /// As [`Broker::replay`].
    pub async fn replay_as(&self, shelf: Shelf, kept: &Kept, detail: &str) -> Result<Replayed, WriteError> {
        let Ok((report, _)) = &kept.read else {
            return Ok(Replayed::Unreadable);
        };
        let Some(fence) = self.fence_to_replay(shelf, &report.task).await? else {
            if shelf == Shelf::Archive {
                // Its task has ended otherwise: what lies here is a copy nobody needs.
                self.discard(shelf, kept.sequence).await?;
            }
            return Ok(Replayed::Stale);
        };
        let hop = report.task.hop.saturating_add(1);
        let mut task = Task {
            hop,
            fence,
            attempt: 0,
            ..report.task.clone()
        };
        // Whoever puts it back wants it to run, whatever became of those that it waited for.
        task.facts.depends_on.clear();
        let history = report.history_after(kept.stored_at);
        self.publish_hop(&task, &kept.original, &history).await?;
        failpoint::hit("replay.after_publish");
        let told = TaskEvent::of(&task, EventKind::Replay, detail);
        // Without it the audit would take the record for one whose dead letter was never written.
        self.tell_surely(&task.class, &task.id, &told).await?;
        self.discard(shelf, kept.sequence).await?;
        Ok(Replayed::Queued { hop })
    }

    /// The fence a replay carries. None when something else decides the task.
    async fn fence_to_replay(&self, shelf: Shelf, task: &Task) -> Result<Option<u64>, RequestError> {
        let standing = self.fence(&task.id).await?;
        Ok(match (shelf, standing) {
            (Shelf::Dead, Some(record)) => {
                let own = record.record.state == State::Dead && record.record.hop == task.hop;
                own.then_some(record.sequence)
            }
            // It has aged out; nothing stands any more.
            (Shelf::Dead, None) => Some(0),
            (Shelf::Archive, Some(record)) if decides(&record, task.fence) => None,
            (Shelf::Archive, _) => Some(task.fence),
        })
    }

    /// Throws away what lies aside. A parked task has not ended yet, so it is recorded as cancelled first,
    /// also where only its subject can be read, and its callback asked for; the record of a dead letter stays.
    ///
    /// # Errors
    /// [`WriteError`]; discarding again is safe.
    pub async fn throw_away(&self, shelf: Shelf, kept: &Kept) -> Result<(), WriteError> {
        if let (Shelf::Archive, Some(report)) = (shelf, kept.report()) {
            let task = &report.task;
            let record = discarded(&report, kept.stored_at);
            let hop = match self.publish_result(&record, task.fence).await? {
                Fenced::First(_) => Some(task.hop),
                Fenced::Refused => self.fence(&task.id).await?.map(|found| found.record.hop),
            };
            failpoint::hit("discard.after_fence");
            if let (Some(url), Some(hop)) = (&task.facts.callback, hop) {
                self.publish_callback(&task.id, hop, url).await?;
            }
        }
        if let (Shelf::Dead, Some(Report { task, .. })) = (shelf, kept.report()) {
            let told = TaskEvent::of(&task, EventKind::Discard, "thrown away by hand");
            self.tell_surely(&task.class, &task.id, &told).await?;
        }
        Ok(self.discard(shelf, kept.sequence).await?)
    }

    /// Puts `report` and `original` in the place of a dead letter: the new one first, then the old one away. Returns
    /// the new sequence.
    ///
    /// # Errors
    /// [`WriteError`]; rewriting again is safe, and until then there may be both.
    pub async fn rewrite(
        &self,
        kept: &Kept,
        report: &Report,
        original: &Original,
    ) -> Result<u64, WriteError> {
        let Ok((_, reason)) = &kept.read else {
            return Ok(kept.sequence);
        };
        let reason = reason.parse().unwrap_or(DeadReason::Permanent);
        let (Published::Stored(sequence) | Published::Duplicate(sequence)) = self
            .publish_letter(report, reason, original, &format!("edit:{}", kept.sequence))
            .await?;
        self.discard(Shelf::Dead, kept.sequence).await?;
        Ok(sequence)
    }

    /// Takes a message off a shelf for good. No error when it is gone already.
    async fn discard(&self, shelf: Shelf, sequence: u64) -> Result<(), RequestError> {
        self.remove_from(shelf.stream(), sequence).await
    }

    /// Tells of each task that becomes a dead letter from now on.
    ///
    /// # Errors
    /// [`RequestError`] when the connection is closed.
    pub async fn deaths(&self) -> Result<Deaths, RequestError> {
        let filter = subject::dead_of_any_task(None);
        let heard = self.client.subscribe(filter).await;
        let heard = heard.map_err(RequestError::of("listen for dead letters"))?;
        self.flush()
            .await
            .map_err(RequestError::of("listen for dead letters"))?;
        Ok(Deaths(heard))
    }
}

/// The record of a parked task that is thrown away.
fn discarded(report: &Report, parked_at: EpochMs) -> ResultRecord {
    let task = &report.task;
    ResultRecord {
        policy: None,
        task_id: task.id.clone(),
        state: State::Cancelled,
        hop: task.hop,
        attempt: task.attempt,
        class: task.class.clone(),
        tenant: task.tenant.clone(),
        worker: report.worker.clone(),
        queued_ms: parked_at.since(task.enqueued_at),
        exec_ms: report.exec_ms,
        output: Value::Null,
        usage: json!({}),
        error: Some(ResultError {
            kind: ErrorKind::Cancelled.to_string(),
            message: "discarded from the archive".to_owned(),
        }),
    }
}

/// Tasks that become dead letters, as they do.
#[derive(Debug)]
pub struct Deaths(async_nats::Subscriber);

impl Deaths {
    /// The next one. None when the connection is closed for good.
    pub async fn next(&mut self) -> Option<TaskId> {
        loop {
            let message = self.0.next().await?;
            let id = message.subject.rsplit('.').next().map(TaskId::new);
            if let Some(Ok(id)) = id {
                return Some(id);
            }
        }
    }
}
