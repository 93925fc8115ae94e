//! What became of a task.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::desk::{Desk, Named};
use super::problem::{Code, Problem};
use crate::broker::fetch::Stored;
use crate::broker::shelf::Shelf;
use crate::broker::subject::RecordKey;
use crate::task::{EventKind, State, TaskId};
use crate::wire::{ResultRecord, Submission, TaskEvent, result_body, to_rfc3339};

/// A task as its tenant sees it. What is not known is left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The task.
    pub task_id: String,
    /// Where it stands. `running` is with a worker, or was and is to be delivered again; on a later hop
    /// than its first a task that runs counts as `queued`: nothing is written when it starts.
    pub state: &'static str,
    /// Its class.
    pub class: String,
    /// Who pays.
    pub tenant: String,
    /// Its lane on the first hop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// Its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// When it was submitted, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<String>,
    /// When it was or is to start, RFC 3339, if it was not to start at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_at: Option<String>,
    /// Executions that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The tasks that it waits for and that have not completed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<String>,
    /// The `concurrency_key` that it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for_key: Option<String>,
    /// When it is tried again, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<String>,
    /// When it ended, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// What befell it, oldest first; a task that simply succeeds has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<Value>,
    /// Why it ended without an answer: `{"kind", "message"}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// What asking for a result gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The task has ended: its record, as in docs/protocol.md.
    Ended(Value),
    /// Not yet.
    Open(Box<Status>),
}

/// What is known of one task.
pub(super) struct Known {
    pub(super) submission: Option<Submission>,
    pub(super) ended: Option<Stored<ResultRecord>>,
    /// The record that a replay is going to replace: the task has not ended anew.
    pub(super) replayed: Option<Stored<ResultRecord>>,
}

/// Where a task is that has not ended, and what it waits for there.
struct Whereabouts {
    state: State,
    tasks: Vec<String>,
    key: Option<String>,
}

impl From<State> for Whereabouts {
    fn from(state: State) -> Self {
        Self {
            state,
            tasks: Vec::new(),
            key: None,
        }
    }
}

impl Desk {
    /// Where a task stands.
    ///
    /// # Errors
    /// [`Problem`], also when nobody knows the task.
    pub async fn status(&self, of: &Named) -> Result<Status, Problem> {
        let known = self.known(of).await?;
        self.describe(of, known).await
    }

    /// A task's record; waits for it up to `patience`.
    ///
    /// # Errors
    /// As [`Desk::status`].
    pub async fn result(&self, of: &Named, patience: Duration) -> Result<Outcome, Problem> {
        let mut known = self.known_or_open(of).await?;
        if known.ended.is_none() && !patience.is_zero() {
            let found = self.wait(of, patience).await?;
            let old = known.replayed.as_ref().map_or(0, |old| old.sequence);
            known.ended = found.filter(|found| found.sequence > old);
        }
        match &known.ended {
            Some(ended) => Ok(Outcome::Ended(record(of, ended))),
            None => Ok(Outcome::Open(Box::new(self.describe(of, known).await?))),
        }
    }

    async fn wait(&self, of: &Named, patience: Duration) -> Result<Option<Stored<ResultRecord>>, Problem> {
        let Ok(_place) = self.waits.clone().try_acquire_owned() else {
            let what = "too many callers wait for results here; ask again without wait, or later";
            return Err(Problem::new(Code::TooManyWaiting, what));
        };
        let id = of.internal()?;
        let found = tokio::select! {
            found = self.broker.wait_for_result(&id, patience) => found?,
            // A process that stops answers what it knows.
            () = self.lifecycle.soft().cancelled() => None,
        };
        Ok(found.filter(|found| found.record.tenant == of.tenant))
    }

    pub(super) async fn known(&self, of: &Named) -> Result<Known, Problem> {
        let known = self.known_or_open(of).await?;
        if known.submission.is_none() && known.ended.is_none() {
            return Err(of.unknown());
        }
        Ok(known)
    }

    /// A task that was published without a gateway is not known before it has ended.
    async fn known_or_open(&self, of: &Named) -> Result<Known, Problem> {
        self.connected()?;
        let id = of.internal()?;
        let ended = self.broker.result(&id).await?;
        let mut ended = ended.filter(|found| found.record.tenant == of.tenant);
        let mut replayed = None;
        if let Some(dead) = ended.take_if(|found| found.record.state == State::Dead) {
            match self.broker.letter_taken(&id, dead.stored_at).await? {
                Some(EventKind::Replay) => replayed = Some(dead),
                _ => ended = Some(dead),
            }
        }
        let submission = self.broker.submission(&RecordKey::Task(id.clone())).await?;
        let submission = match submission {
            Some((submission, _)) => Some(submission),
            None if ended.is_none() => self.outlived(&id).await?,
            None => None,
        };
        let submission = submission.filter(|s| s.tenant == of.tenant);
        Ok(Known {
            submission,
            ended,
            replayed,
        })
    }

    /// What is to start later, or waits for others, may have to wait for longer than its record is kept; its timer or what
    /// lies aside says as much.
    pub(super) async fn outlived(&self, id: &TaskId) -> Result<Option<Submission>, Problem> {
        if let Some(aside) = self.broker.aside(id).await? {
            return Ok(Some(Submission {
                held: Some(aside.sequence),
                ..Submission::of(&aside.blocked.task, String::new())
            }));
        }
        let waiting = self.broker.waiting(id).await?;
        let scheduled = waiting.filter(|waiting| waiting.state() == State::Scheduled);
        Ok(scheduled.map(|waiting| Submission {
            run_at: Some(waiting.due),
            ..Submission::of(&waiting.task, String::new())
        }))
    }

    /// Where a task is that has no record and waits for no retry.
    async fn whereabouts(&self, submission: &Submission) -> Result<Whereabouts, Problem> {
        if let Some(sequence) = submission.sequence {
            match self.broker.is_delivered(submission.lane, sequence).await? {
                Some(true) => return Ok(State::Running.into()),
                Some(false) => return Ok(State::Queued.into()),
                None => (),
            }
        }
        if let Some(aside) = self.broker.aside(&submission.task_id).await? {
            let (tasks, key) = self.waits_for(&aside).await?;
            return Ok(Whereabouts {
                tasks,
                key,
                ..State::Blocked.into()
            });
        }
        let parked = self.broker.kept(Shelf::Archive, &submission.task_id).await?;
        Ok(parked.map_or(State::Queued, |_| State::Archived).into())
    }

    async fn describe(&self, of: &Named, known: Known) -> Result<Status, Problem> {
        let Known {
            submission, ended, ..
        } = known;
        let waiting = match (&submission, &ended) {
            (Some(submission), None) => self.broker.waiting(&submission.task_id).await?,
            (None, None) => return Err(of.unknown()),
            _ => None,
        };
        let record = ended.as_ref().map(|ended| &ended.record);
        let whereabouts: Whereabouts = match (record, &waiting, &submission) {
            (Some(record), ..) => record.state.into(),
            (None, Some(waiting), _) => waiting.state().into(),
            (None, None, Some(submission)) => self.whereabouts(submission).await?,
            (None, None, None) => State::Queued.into(),
        };
        let events = self.broker.events(&of.internal()?).await?;
        let class = submission.as_ref().map(|s| &s.class);
        let class = class.or(record.map(|r| &r.class)).map(ToString::to_string);
        Ok(Status {
            task_id: of.id.to_string(),
            state: whereabouts.state.as_str(),
            waits_for: whereabouts.tasks,
            waits_for_key: whereabouts.key,
            class: class.unwrap_or_default(),
            tenant: of.tenant.to_string(),
            lane: submission.as_ref().map(|s| s.lane.to_string()),
            model: submission.as_ref().map(|s| s.model.to_string()),
            submitted_at: submission.as_ref().map(|s| to_rfc3339(s.submitted_at)),
            run_at: submission.as_ref().and_then(|s| s.run_at).map(to_rfc3339),
            attempt: record
                .map(|r| r.attempt)
                .or(waiting.as_ref().map(|w| w.task.attempt)),
            next_attempt_at: waiting
                .filter(|w| w.state() == State::Retrying)
                .map(|w| to_rfc3339(w.due)),
            ended_at: ended.as_ref().map(|e| to_rfc3339(e.stored_at)),
            timeline: events.iter().map(timeline_line).collect(),
            error: ended.as_ref().and_then(|e| {
                let whole = record_value(&e.record);
                whole.get("error").filter(|error| !error.is_null()).cloned()
            }),
        })
    }
}

/// One line of a timeline: `at`, `event`, `lane`, `attempt`, `hop`, `detail`, and `due` where it waits.
#[must_use]
pub fn timeline_line(of: &Stored<TaskEvent>) -> Value {
    let event = &of.record;
    let mut line = json!({
        "at": to_rfc3339(of.stored_at), "event": event.kind.as_str(), "lane": event.lane.as_str(),
        "attempt": event.attempt, "hop": event.hop, "detail": event.detail,
    });
    if let Some(due) = event.due {
        line["due"] = Value::from(to_rfc3339(due));
    }
    line
}

/// The record's body, under the name its tenant gave the task.
fn record(of: &Named, ended: &Stored<ResultRecord>) -> Value {
    let mut value = record_value(&ended.record);
    value["task_id"] = Value::from(ended.record.task_id.for_tenant(&of.tenant).as_str());
    value
}

fn record_value(record: &ResultRecord) -> Value {
    serde_json::from_slice(&result_body(record)).unwrap_or_default()
}
