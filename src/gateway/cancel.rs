//! Stopping a task: its fence first, then whoever runs it, then its place in the lane.

use serde::Serialize;
use serde_json::{Value, json};

use super::desk::{Desk, Named};
use super::problem::{Code, Problem};
use crate::broker::publish::Fenced;
use crate::broker::sweep::Consumed;
use crate::clock;
use crate::task::{ErrorKind, State};
use crate::wire::{ResultError, ResultRecord, Submission};

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
        let (Some(submission), None) = (&known.submission, &known.ended) else {
            return told(of, known.ended.map(|ended| ended.record.state));
        };
        let record = record(submission);
        if self.broker.publish_result(&record, 0).await? == Fenced::Refused {
            let standing = self.broker.fence(&submission.task_id).await?;
            return told(of, standing.map(|fence| fence.record.state));
        }
        self.clear(submission).await;
        told(of, Some(State::Cancelled))
    }

    /// What is left undone here costs an execution whose result is refused.
    async fn clear(&self, submission: &Submission) {
        let id = &submission.task_id;
        if let Err(error) = self.broker.publish_cancel(id).await {
            tracing::warn!(task.id = %id, %error, "nobody was told to stop a cancelled task");
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
