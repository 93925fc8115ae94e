//! A policy on trial on a real mesh: how long harm takes to be found, and what it costs until then.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::config::{Faults, parse_policy};
use crate::executor::{Executor, Job, Outcome};
use crate::policy::Policy;
use crate::task::{ErrorKind, Shard, fnv1a_64};

/// Two classes; no limit binds.
pub const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 4096, timeout_ms: 30000, max_priority: 9 }
  normal: { concurrency: 4096, timeout_ms: 30000 }
classes:
  pay:  { priority: 1, share: 60, slo_ms: 500 }
  bulk: { priority: 2, share: 40 }
default_class: bulk
models:
  m: { executor: simulate, cost: { unit: ms, initial: 20 } }
retry: { kind: fixed, base_ms: 50, factor: 1, max_ms: 50, jitter: none, max_attempts: 5 }
";

/// The policy of this measurement.
///
/// # Errors
/// Never, unless the text above is broken.
pub fn policy() -> Result<Arc<Policy>, Faults> {
    Ok(Arc::new(parse_policy("bench/rollout.yaml", POLICY)?))
}

/// What the candidate does to its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// Five of a hundred executions fail, instead of one.
    Failures,
    /// Tasks take so much longer that they wait more than twice as long.
    Waits,
    /// Nothing.
    None,
}

impl Harm {
    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failures => "failures",
            Self::Waits => "waits",
            Self::None => "none",
        }
    }
}

/// Executions of 5 to 35 ms, of which one in a hundred fails; on the canary track as the harm says.
#[derive(Debug, Clone, Copy)]
pub struct Harmful(pub Harm);

impl Executor for Harmful {
    fn execute<'a>(&'a self, job: &'a Job, _: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        let is_canary = matches!(job.task.shard, Shard::Canary(_));
        // Drawn from the task and its attempt, so that a retry may come out otherwise.
        let drawn = fnv1a_64(format!("{}/{}", job.task.id, job.task.attempt).as_bytes());
        let failing = if is_canary && self.0 == Harm::Failures {
            5
        } else {
            1
        };
        let longer = if is_canary && self.0 == Harm::Waits { 2 } else { 1 };
        let fails = (drawn >> 32) % 100 < failing;
        let took = Duration::from_millis(longer * (5 + (drawn >> 8) % 31));
        Box::pin(async move {
            tokio::time::sleep(took).await;
            match fails {
                true => Outcome::failed(ErrorKind::Retryable, "as drawn"),
                false => Outcome::Completed {
                    output: Value::Null,
                    usage: json!({}),
                },
            }
        })
    }
}

/// What was seen at one look.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Look {
    /// Since the rollout began, in s.
    pub at_s: f64,
    /// The canary's part of the tasks then, 0 to 1.
    pub share: f64,
    /// Canary tasks that had ended in the stage.
    pub canary_tasks: u64,
    /// Of executions of the stable track in the stage, those that failed, 0 to 1.
    pub stable_failed: f64,
    /// Of executions of the canary track.
    pub canary_failed: f64,
    /// What was ruled: `hold`, `promote` or `roll_back`.
    pub ruling: String,
}

/// How a rollout went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RolloutRun {
    /// What the candidate did.
    pub harm: &'static str,
    /// `promoted`, `rolled_back`, or none within the time.
    pub ending: Option<String>,
    /// Why.
    pub why: String,
    /// From the beginning to the end, in s.
    pub after_s: f64,
    /// Tasks that were accepted meanwhile.
    pub tasks: usize,
    /// Those of them that ran on the canary track.
    pub canary_tasks: usize,
    /// Every look.
    pub looks: Vec<Look>,
}

impl Look {
    /// Of a record that the leading coordinator wrote; none where it is of another rollout.
    #[must_use]
    pub fn of(seen: &Value, at_s: f64) -> Option<Self> {
        let findings = seen["findings"].as_array()?;
        let failed = findings
            .iter()
            .find(|finding| finding["measure"] == "failures" && finding["class"].is_null());
        let part = |name: &str| failed.and_then(|finding| finding[name].as_f64()).unwrap_or(0.0);
        Some(Self {
            at_s,
            share: seen["share"].as_f64()?,
            canary_tasks: seen["ended"]["canary"].as_u64()?,
            stable_failed: part("stable"),
            canary_failed: part("canary"),
            ruling: seen["ruling"].as_str()?.to_owned(),
        })
    }
}
