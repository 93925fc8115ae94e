//! What floor and mesh are both given.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::broker::floor::Tally;
use crate::clock;
use crate::config::{Faults, parse_policy};
use crate::executor::{Executor, Job, Outcome};
use crate::policy::Policy;
use crate::task::{Lane, Route, Task, TaskId};

/// Slots of the one worker.
pub const SLOTS: u32 = 1024;
/// Bytes of a task's body.
const BODY_BYTES: usize = 256;

/// Four classes 40/30/20/10, lane limits out of the way.
pub const POLICY: &str = include_str!("policy.yaml");

/// The tasks of one run.
#[derive(Debug, Clone)]
pub struct Workload {
    /// What the mesh obeys.
    pub policy: Arc<Policy>,
    /// How many tasks.
    pub tasks: usize,
}

impl Workload {
    /// `tasks` tasks under the policy of the bench.
    ///
    /// # Errors
    /// Never, unless the embedded policy is broken.
    pub fn new(tasks: usize) -> Result<Self, Faults> {
        Ok(Self {
            policy: Arc::new(parse_policy("bench/policy.yaml", POLICY)?),
            tasks,
        })
    }

    /// Every task, the classes taking turns.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        (0..self.tasks).filter_map(|n| self.task(n)).collect()
    }

    /// The task of that number.
    #[must_use]
    pub fn task(&self, number: usize) -> Option<Task> {
        let class = &self.policy.classes[number % self.policy.classes.len()];
        let id = TaskId::new(&format!("bench-{number}")).ok()?;
        let model = self.policy.models[0].name.clone();
        Some(Task::new(
            id,
            Lane::Core,
            class.name.clone(),
            model,
            clock::wall(),
        ))
    }

    /// Where the tasks travel.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        let first = (0..self.policy.classes.len()).filter_map(|n| self.task(n));
        first.map(|task| Route::of(&task)).collect()
    }

    /// The body of every task: 256 bytes of JSON.
    #[must_use]
    pub fn body(&self) -> Bytes {
        body(&json!(null))
    }
}

/// A body around `input`, filled up to its size.
pub(super) fn body(input: &Value) -> Bytes {
    let bare = json!({ "model": "noop", "input": input, "labels": { "fill": "" } }).to_string();
    let fill = "x".repeat(BODY_BYTES.saturating_sub(bare.len()));
    json!({ "model": "noop", "input": input, "labels": { "fill": fill } })
        .to_string()
        .into()
}

/// Does nothing, and counts.
pub struct Noop(pub Arc<Tally>);

impl Executor for Noop {
    fn execute<'a>(&'a self, _: &'a Job, _: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        self.0.add();
        Box::pin(std::future::ready(Outcome::Completed {
            output: Value::Null,
            usage: json!({}),
        }))
    }
}
