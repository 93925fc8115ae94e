//! What a gateway notes of a task before it publishes it: the record under the task's id in `fl_tasks`.

use serde::{Deserialize, Serialize};

use crate::task::{ClassName, EpochMs, Lane, ModelName, NameError, State, Task, TaskId, TenantId};

/// Who asked for what. It decides whether a repeated submission is the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The task's identity as it travels.
    pub task_id: TaskId,
    /// Its lane on the first hop.
    pub lane: Lane,
    /// Its class.
    pub class: ClassName,
    /// Its model.
    pub model: ModelName,
    /// Who pays, and who alone may see it.
    pub tenant: TenantId,
    /// SHA-256 of what was asked, in hex: the same submission has the same.
    pub digest: String,
    /// When it was first asked for.
    pub submitted_at: EpochMs,
    /// Where its result is to be delivered.
    pub callback: Option<String>,
    /// Its sequence on its lane once the lane has confirmed it. Written after the answer, so it may be
    /// missing although the task is there.
    pub sequence: Option<u64>,
    /// Its sequence in the archive, where overload put it there in place of its lane.
    pub archived: Option<u64>,
    /// Of a task that is not queued at first but waits for others: its sequence in `FL_HELD`, written as late as
    /// `sequence`, and 0 before.
    pub held: Option<u64>,
    /// When it is to start, where that lay ahead when it was asked for.
    pub run_at: Option<EpochMs>,
    /// The sequence of its timer once the server has confirmed that, for one that is to start later.
    pub timer: Option<u64>,
}

/// A record that is no submission.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableSubmission {
    /// No JSON, or a field is missing or wrong.
    #[error("the record cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    /// A name is not one.
    #[error("the record cannot be read: {0}")]
    Name(#[from] NameError),
    /// The lane is none.
    #[error("the record has no known lane: {0:?}")]
    Lane(String),
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    task_id: String,
    lane: String,
    class: String,
    model: String,
    tenant: String,
    digest: String,
    submitted_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    callback: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archived: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timer: Option<u64>,
}

impl Submission {
    /// The record of `task`, not confirmed yet.
    #[must_use]
    pub fn of(task: &Task, digest: String) -> Self {
        Self {
            task_id: task.id.clone(),
            lane: task.lane,
            class: task.class.clone(),
            model: task.model.clone(),
            tenant: task.tenant.clone(),
            digest,
            submitted_at: task.enqueued_at,
            callback: task.facts.callback.clone(),
            sequence: None,
            archived: None,
            held: None,
            run_at: None,
            timer: None,
        }
    }

    /// The record of a task that was asked for at `now` and is to start at `run_at`; none: at once.
    #[must_use]
    pub fn starting(self, run_at: Option<EpochMs>, now: EpochMs) -> Self {
        Self {
            submitted_at: now,
            run_at,
            ..self
        }
    }

    /// The same once the server has its message at `sequence`.
    #[must_use]
    pub fn confirmed(self, sequence: u64) -> Self {
        let sequence = Some(sequence);
        match self {
            Self { run_at: Some(_), .. } => Self {
                timer: sequence,
                ..self
            },
            Self { held: Some(_), .. } => Self {
                held: sequence,
                ..self
            },
            _ => Self { sequence, ..self },
        }
    }

    /// Whether a stream has confirmed the task.
    #[must_use]
    pub const fn is_confirmed(&self) -> bool {
        self.sequence.is_some()
            || self.archived.is_some()
            || self.timer.is_some()
            || matches!(self.held, Some(1..))
    }

    /// What state the task was accepted in.
    #[must_use]
    pub const fn first_state(&self) -> State {
        match self {
            Self {
                archived: Some(_), ..
            } => State::Archived,
            Self { run_at: Some(_), .. } => State::Scheduled,
            Self { held: Some(_), .. } => State::Blocked,
            _ => State::Queued,
        }
    }
}

/// The record's body, as JSON.
#[must_use]
pub fn submission_body(of: &Submission) -> Vec<u8> {
    let written = Written {
        version: 1,
        task_id: of.task_id.to_string(),
        lane: of.lane.to_string(),
        class: of.class.to_string(),
        model: of.model.to_string(),
        tenant: of.tenant.to_string(),
        digest: of.digest.clone(),
        submitted_at: of.submitted_at.0,
        callback: of.callback.clone(),
        sequence: of.sequence,
        archived: of.archived,
        held: of.held,
        run_at: of.run_at.map(|at| at.0),
        timer: of.timer,
    };
    serde_json::to_vec(&written).unwrap_or_else(|error| unreachable!("texts and numbers: {error}"))
}

/// Reads a record; fields it does not know are passed over.
///
/// # Errors
/// [`UnreadableSubmission`].
pub fn read_submission(body: &[u8]) -> Result<Submission, UnreadableSubmission> {
    let read: Written = serde_json::from_slice(body)?;
    Ok(Submission {
        task_id: TaskId::new(&read.task_id)?,
        lane: read
            .lane
            .parse()
            .map_err(|_| UnreadableSubmission::Lane(read.lane))?,
        class: ClassName::new(&read.class)?,
        model: ModelName::new(&read.model)?,
        tenant: TenantId::new(&read.tenant)?,
        digest: read.digest,
        submitted_at: EpochMs(read.submitted_at),
        callback: read.callback,
        sequence: read.sequence,
        archived: read.archived,
        held: read.held,
        run_at: read.run_at.map(EpochMs),
        timer: read.timer,
    })
}
