//! Stopping a task: its fence first, then whoever runs it, then its place in the lane.

use serde::Serialize;
use serde_json::{Value, json};

use super::desk::{Desk, Named};
use super::problem::{Code, Problem};
use crate::broker::WriteError;
use crate::broker::fetch::Stored;
use crate::broker::publish::Fenced;
use crate::broker::shelf::Shelf;
use crate::broker::sweep::Consumed;
use crate::clock;
use crate::failpoint;
use crate::task::{ErrorKind, EventKind, State, TaskId};
use crate::wire::{ResultError, ResultRecord, Submission, TaskEvent};

/// A task that is cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cancelled {
    /// The task.
    pub task_id: String,
    /// `cancelled`.
    pub state: &'static str,
}

impl Desk {
    /// Cancels a task. From its answer on the task has no other result; an execution that is under
    /// way is told to stop, and whatever it brings is dropped.
    ///
    /// # Errors
    /// [`Problem`] when nobody knows the task or it has ended otherwise.
    pub async fn cancel(&self, of: &Named) -> Result<Cancelled, Problem> {
        let known = self.known(of).await?;
        let ended = known.ended.map(|ended| (ended.record.state, ended.record.hop));
        let Some(submission) = &known.submission else {
            return told(of, ended.map(|(state, _)| state));
        };
        let (state, hop) = match ended {
            Some(ended) => ended,
            None => self.decide(submission, known.replayed.as_ref()).await?,
        };
        if state == State::Cancelled {
            failpoint::hit("cancel.after_record");
            // Also where an earlier try has cancelled it: it may have died before this.
            if let Some(url) = &submission.callback {
                self.broker
                    .publish_callback(&submission.task_id, hop, url)
                    .await?;
            }
            failpoint::hit("cancel.after_callback");
            self.clear(submission).await;
            failpoint::hit("cancel.after_removal");
            let event = TaskEvent {
                kind: EventKind::Cancel,
                lane: submission.lane,
                attempt: 0,
                hop,
                due: None,
                detail: "cancelled on request".to_owned(),
            };
            self.broker
                .tell(&submission.class, &submission.task_id, &event)
                .await;
        }
        told(of, Some(state))
    }

    /// Writes the record unless one stands; the state and hop of the one that stands then.
    async fn decide(
        &self,
        submission: &Submission,
        replayed: Option<&Stored<ResultRecord>>,
    ) -> Result<(State, u32), Problem> {
        let fence = replayed.map_or(0, |old| old.sequence);
        // Another hop than that of the record before, or its callback would be taken for that one's.
        let record = ResultRecord {
            policy: None,
            hop: replayed.map_or(0, |old| old.record.hop.saturating_add(1)),
            ..record(submission)
        };
        if let Fenced::First(_) = self.broker.publish_result(&record, fence).await? {
            return Ok((record.state, record.hop));
        }
        let standing = self.broker.fence(&submission.task_id).await?;
        let standing = standing.map(|fence| (fence.record.state, fence.record.hop));
        Ok(standing.unwrap_or((record.state, record.hop)))
    }

    /// What is left undone here costs an execution whose result is refused.
    async fn clear(&self, submission: &Submission) {
        let id = &submission.task_id;
        if let Err(error) = self.broker.publish_cancel(id).await {
            tracing::warn!(task.id = %id, %error, "nobody was told to stop a cancelled task");
        }
        if let Err(error) = self.broker.forget_retry(id).await {
            tracing::warn!(task.id = %id, %error, "a cancelled task still waits for its retry, which will be in vain");
        }
        if let Err(error) = self.unpark(id).await {
            tracing::warn!(task.id = %id, %error, "a cancelled task still lies in the archive");
        }
        if let Err(error) = self.take_back(id).await {
            tracing::warn!(task.id = %id, %error, "a cancelled task still lies aside, where it waited for others");
        }
        let Some(sequence) = submission.sequence else {
            return;
        };
        if let Err(error) = self
            .broker
            .remove(Consumed::Lane(submission.lane), sequence)
            .await
        {
            tracing::debug!(task.id = %id, %error, "a cancelled task is not on its lane any more");
        }
    }
}

impl Desk {
    async fn take_back(&self, id: &TaskId) -> Result<(), WriteError> {
        if let Some(aside) = self.broker.aside(id).await? {
            self.broker.release(aside.sequence).await?;
        }
        Ok(())
    }

    async fn unpark(&self, id: &TaskId) -> Result<(), WriteError> {
        match self.broker.kept(Shelf::Archive, id).await? {
            // Its record stands, so this only takes it away.
            Some(kept) => self.broker.throw_away(Shelf::Archive, &kept).await,
            None => Ok(()),
        }
    }
}

/// Cancelling twice is no mistake.
fn told(of: &Named, state: Option<State>) -> Result<Cancelled, Problem> {
    match state {
        None => Err(of.unknown()),
        Some(State::Cancelled) => Ok(Cancelled {
            task_id: of.id.to_string(),
            state: State::Cancelled.as_str(),
        }),
        Some(state) => {
            let what = format!(
                "task {} has ended as {}; it cannot be cancelled any more",
                of.id,
                state.as_str()
            );
            Err(Problem::new(Code::AlreadyEnded, what).in_field("task_id"))
        }
    }
}

fn record(submission: &Submission) -> ResultRecord {
    ResultRecord {
        policy: None,
        task_id: submission.task_id.clone(),
        state: State::Cancelled,
        hop: 0,
        attempt: 0,
        class: submission.class.clone(),
        tenant: submission.tenant.clone(),
        worker: "gateway".to_owned(),
        queued_ms: clock::wall().since(submission.submitted_at),
        exec_ms: 0,
        output: Value::Null,
        usage: json!({}),
        error: Some(ResultError {
            kind: ErrorKind::Cancelled.to_string(),
            message: "cancelled on request".to_owned(),
        }),
    }
}
