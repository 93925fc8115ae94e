//! Schedules: each lies in `fl_control`, and beside it a timer of `FL_RETRY` waits for its next firing.
//!
//! The schedule decides. A timer of another revision than the schedule's, or of one that is gone, is dropped when its
//! time has come; a schedule without a timer is given one by the audit.

use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::connect::Broker;
use super::error::{RequestError, WriteError};
use super::fetch::{Stored, epoch};
use super::publish::{FENCED, PublishError, SCHEDULE, SCHEDULE_TARGET, server_code};
use super::subject;
use crate::task::{EpochMs, TaskId};
use crate::wire::{
    Firing, Headers, Schedule, firing_body, read_firing, read_schedule, schedule_body, to_rfc3339,
};

/// Schedules that are read at the same time.
const READ_AT_ONCE: usize = 16;

/// Where a firing is that nobody has dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// On a timer, until its time has come.
    Waits(Firing),
    /// Its time has come, and a coordinator is about to take it.
    Due,
    /// Nowhere.
    Missing,
}

impl Broker {
    /// Writes a schedule over the one of `revision`, 0 for none, then sets the timer of its next firing after `now`. The
    /// new revision; none when another one is the last.
    ///
    /// # Errors
    /// [`WriteError`]; where only the timer was not set, the audit sets it.
    pub async fn put_schedule(
        &self,
        of: &Schedule,
        revision: u64,
        now: EpochMs,
    ) -> Result<Option<u64>, WriteError> {
        let (subject, body) = (subject::schedule(&of.name), schedule_body(of));
        let bytes = body.len();
        let message = PublishMessage::build()
            .payload(body.into())
            .expected_last_subject_sequence(revision);
        let revision = match self.send(&subject, message).await {
            Ok(ack) => ack.sequence,
            Err(error) if server_code(&error) == Some(FENCED) => return Ok(None),
            Err(error) => return Err(self.explain(subject, bytes, error).into()),
        };
        match of.next(now) {
            Some(at) => self.set_firing(&of.name, revision, at).await?,
            None => self.clear_firing(&of.name).await?,
        }
        Ok(Some(revision))
    }

    /// A schedule, with its revision as its sequence.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer or it cannot be read.
    pub async fn schedule(&self, name: &TaskId) -> Result<Option<Stored<Schedule>>, RequestError> {
        let subject = subject::schedule(name);
        let Some(message) = self.last(subject::CONTROL, &subject).await? else {
            return Ok(None);
        };
        let read = read_schedule(&message.payload).map_err(RequestError::of(format!("read {subject}")))?;
        Ok(Some(Stored {
            sequence: message.sequence,
            stored_at: epoch(&message),
            record: read,
        }))
    }

    /// Every schedule that can be read.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn schedules(&self) -> Result<Vec<Stored<Schedule>>, RequestError> {
        let (mut from, mut found) = (1, Vec::new());
        while let Some(message) = self
            .next_message(subject::CONTROL, subject::SCHEDULE_ANY, from)
            .await?
        {
            from = message.sequence + 1;
            found.extend(readable(&message));
        }
        Ok(found)
    }

    /// What all schedules are called inside, in no order: their bodies are not read.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn schedule_names(&self) -> Result<Vec<TaskId>, RequestError> {
        let operation = "list the schedules";
        let stream = self.stream(subject::CONTROL).await?;
        let listed = stream.info_with_subjects(subject::SCHEDULE_ANY).await;
        let listed = listed.map_err(RequestError::of(operation))?;
        let listed: Vec<(String, usize)> = listed.try_collect().await.map_err(RequestError::of(operation))?;
        let names = listed.iter().filter_map(|(on, _)| subject::parse_schedule(on));
        Ok(names.collect())
    }

    /// Those of these schedules that are there and can be read, in the same order.
    ///
    /// # Errors
    /// As [`Broker::schedule_names`].
    pub async fn schedules_of(&self, names: &[TaskId]) -> Result<Vec<Stored<Schedule>>, RequestError> {
        let subjects: Vec<String> = names.iter().map(subject::schedule).collect();
        let read = subjects.iter().map(|on| self.last(subject::CONTROL, on));
        // A future over the closure itself could not be sent to another thread.
        let read: Vec<_> = read.collect();
        let read: Vec<_> = stream::iter(read).buffered(READ_AT_ONCE).try_collect().await?;
        Ok(read.iter().flatten().filter_map(readable).collect())
    }

    /// Takes a schedule away, and the timer of its next firing. Says whether there was one.
    ///
    /// # Errors
    /// [`RequestError`]; taking it away again is safe.
    pub async fn remove_schedule(&self, name: &TaskId) -> Result<bool, RequestError> {
        let removed = self.forget(subject::CONTROL, subject::schedule(name)).await?;
        self.clear_firing(name).await?;
        Ok(removed > 0)
    }

    /// Lets the server say when the firing of `at` has come, in place of the one that it would have told of next.
    ///
    /// # Errors
    /// [`PublishError`]; setting it again is safe.
    pub async fn set_firing(&self, name: &TaskId, revision: u64, at: EpochMs) -> Result<(), PublishError> {
        let mut headers = Headers::default();
        headers.set(SCHEDULE, format!("@at {}", to_rfc3339(at)));
        headers.set(SCHEDULE_TARGET, subject::firing_due(name));
        let body = firing_body(Firing {
            revision,
            at_ms: at.0,
        });
        // Without a message id: there is one timer per subject, so a second one of the same time changes nothing.
        self.publish(subject::firing_at(name), headers, body.into())
            .await?;
        Ok(())
    }

    async fn clear_firing(&self, name: &TaskId) -> Result<(), RequestError> {
        self.forget(subject::RETRY, subject::firing_at(name)).await?;
        Ok(())
    }

    /// Where the next firing of a schedule is.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn pending_firing(&self, name: &TaskId) -> Result<Pending, RequestError> {
        if let Some(firing) = self.waiting_firing(name).await? {
            return Ok(Pending::Waits(firing));
        }
        let due = self.last(subject::RETRY, &subject::firing_due(name)).await?;
        if due.is_some() {
            return Ok(Pending::Due);
        }
        // Whoever dealt with it in between has set the next one before.
        let next = self.waiting_firing(name).await?;
        Ok(next.map_or(Pending::Missing, Pending::Waits))
    }

    async fn waiting_firing(&self, name: &TaskId) -> Result<Option<Firing>, RequestError> {
        let found = self.last(subject::RETRY, &subject::firing_at(name)).await?;
        Ok(found.and_then(|message| read_firing(&message.payload)))
    }

    async fn forget(&self, stream: &str, subject: String) -> Result<u64, RequestError> {
        let operation = format!("take back {subject}");
        let purged = self.stream(stream).await?.purge().filter(subject).await;
        Ok(purged.map_err(RequestError::of(operation))?.purged)
    }
}

fn readable(message: &StreamMessage) -> Option<Stored<Schedule>> {
    match read_schedule(&message.payload) {
        Ok(record) => Some(Stored {
            sequence: message.sequence,
            stored_at: epoch(message),
            record,
        }),
        Err(error) => {
            tracing::warn!(key = %message.subject, %error, "it is left as it is");
            None
        }
    }
}
