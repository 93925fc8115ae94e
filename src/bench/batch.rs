//! Tasks that share the runs of a model, against one run for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::summary::median;
use crate::broker::Broker;
use crate::broker::floor::{PUBLISH_WINDOW, Tally};
use crate::broker::publish::{Original, PublishError};
use crate::clock;
use crate::config::{Faults, parse_policy};
use crate::executor::{Executed, Executor, Job, Outcome};
use crate::policy::Policy;
use crate::task::{Lane, Task, TaskId};

/// Four classes 40/30/20/10 on the embedding model; limits that do not bind.
const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 4096, timeout_ms: 120000, max_priority: 9 }
  normal: { concurrency: 4096, timeout_ms: 120000 }
classes:
  a: { priority: 1, share: 40 }
  b: { priority: 2, share: 30 }
  c: { priority: 3, share: 20 }
  d: { priority: 4, share: 10 }
default_class: d
models:
  all-MiniLM-L6-v2: { executor: embed, batch: { window_ms: 10, size_max: SIZE_MAX } }
";

/// The policy of this measurement, with so many tasks in a run at most.
///
/// # Errors
/// For a size that no policy may have.
pub fn policy(size_max: u32) -> Result<Arc<Policy>, Faults> {
    let yaml = POLICY.replace("SIZE_MAX", &size_max.to_string());
    Ok(Arc::new(parse_policy("bench/batch.yaml", &yaml)?))
}

/// Publishes a task for each of `texts`, the classes taking turns.
///
/// # Errors
/// The first publish that is not acked.
pub async fn publish(broker: &Broker, policy: &Policy, texts: &[&str]) -> Result<(), PublishError> {
    let model = &policy.models[0].name;
    let sent = stream::iter(texts.iter().enumerate()).map(|(n, text)| async move {
        let Ok(id) = TaskId::new(&format!("bench-{n}")) else {
            return Ok(());
        };
        let class = policy.classes[n % policy.classes.len()].name.clone();
        let task = Task::new(id, Lane::Core, class, model.clone(), clock::wall());
        let body = json!({ "model": model.as_str(), "input": text }).to_string();
        broker.publish_task(&task, &Original::new(body.into())).await?;
        Ok(())
    });
    sent.buffer_unordered(PUBLISH_WINDOW).try_collect().await
}

/// Another executor, and how many of its tasks have ended.
pub struct Counted {
    executor: Arc<dyn Executor>,
    ended: Arc<Tally>,
    failed: AtomicUsize,
}

impl Counted {
    /// Counts up to `all`.
    #[must_use]
    pub fn new(executor: Arc<dyn Executor>, all: usize) -> Arc<Self> {
        Arc::new(Self {
            executor,
            ended: Tally::new(all),
            failed: AtomicUsize::new(0),
        })
    }

    /// Returns once all have ended: how many of them failed.
    pub async fn all(&self) -> usize {
        self.ended.wait().await;
        self.failed.load(Ordering::Relaxed)
    }
}

impl Executor for Counted {
    fn execute<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.execute_at_cost(job, cancel).await.outcome })
    }

    fn execute_at_cost<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Executed> {
        Box::pin(async move {
            let executed = self.executor.execute_at_cost(job, cancel).await;
            if let Outcome::Failed { message, .. } = &executed.outcome {
                tracing::error!(task.id = %job.task.id, error = message, "a task of the benchmark failed");
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
            self.ended.add();
            executed
        })
    }
}

/// What `bench batch` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Batch {
    /// Embeddings per second with one task in a run; median.
    pub batch1_per_s: f64,
    /// With up to `size_max` tasks in a run; median.
    pub batched_per_s: f64,
    /// The second over the first; median of the pairs.
    pub ratio: f64,
    /// Every pair's ratio, in order.
    pub ratios: Vec<f64>,
    /// Most tasks in a run.
    pub size_max: u32,
    /// Slots of the one worker: tasks at once.
    pub slots: u32,
    /// Tasks in each run of the benchmark.
    pub tasks: usize,
}

impl Batch {
    /// Puts the pairs together: tasks per second with one task in a run, and with several.
    #[must_use]
    pub fn of(pairs: &[(f64, f64)], size_max: u32, slots: u32, tasks: usize) -> Self {
        let ratios: Vec<f64> = pairs.iter().map(|(one, many)| many / one).collect();
        let tenths = |of: f64| (of * 10.0).round() / 10.0;
        Self {
            batch1_per_s: tenths(median(pairs.iter().map(|pair| pair.0).collect())),
            batched_per_s: tenths(median(pairs.iter().map(|pair| pair.1).collect())),
            ratio: median(ratios.clone()),
            ratios,
            size_max,
            slots,
            tasks,
        }
    }
}
