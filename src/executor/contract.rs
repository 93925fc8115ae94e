//! What every executor promises.

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::task::{ErrorKind, Task};

/// One task to execute.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its facts.
    pub task: Task,
    /// What its model is asked.
    pub input: Value,
    /// How long the worker waits for the outcome, in ms.
    pub timeout_ms: u64,
}

/// How an execution ended. A task's failure is data, not an error of the worker.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// With an answer.
    Completed {
        /// The answer.
        output: Value,
        /// What it took, as an object such as `{"tokens": 12}`.
        usage: Value,
    },
    /// Without one.
    Failed {
        /// How; whether it is tried again is decided in policy.
        kind: ErrorKind,
        /// What went wrong, for whoever reads the dead letter.
        message: String,
        /// How long the engine asks to wait, in ms.
        retry_after_ms: Option<u64>,
    },
}

impl Outcome {
    /// A failure without a wish for patience.
    #[must_use]
    pub fn failed(kind: ErrorKind, message: impl Into<String>) -> Self {
        Outcome::Failed {
            kind,
            message: message.into(),
            retry_after_ms: None,
        }
    }
}

/// What a task is charged for its execution, in ms of one slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cost {
    /// As long as it took.
    Elapsed,
    /// This much, at least 0: it ran together with others, and what all of them took was divided among them.
    Ms(f64),
}

/// An execution that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Executed {
    /// How.
    pub outcome: Outcome,
    /// What it is charged.
    pub cost: Cost,
}

/// Runs tasks of one model. Several run at once, as many as the worker has slots.
pub trait Executor: Send + Sync {
    /// Runs one task. When `cancel` fires it returns soon, with whatever; nobody reads it. The
    /// future may also be dropped at any await, on a timeout.
    fn execute<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Outcome>;

    /// The same, and what the task is charged. Where a task does not share what it runs on, that is its time.
    fn execute_at_cost<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Executed> {
        Box::pin(async move {
            Executed {
                outcome: self.execute(job, cancel).await,
                cost: Cost::Elapsed,
            }
        })
    }
}
