//! Whether a class whose tasks all fail slows another one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::broker::Broker;
use crate::broker::floor::{PUBLISH_WINDOW, Tally};
use crate::broker::publish::{Original, PublishError};
use crate::clock;
use crate::config::{Faults, parse_policy};
use crate::executor::{Executor, Job, Outcome};
use crate::policy::Policy;
use crate::task::{ClassName, ErrorKind, Lane, Task, TaskId};

/// Two classes of equal share; what fails is tried again after two seconds, for as long as the run lasts.
const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 4096, timeout_ms: 30000, max_priority: 9 }
  normal: { concurrency: 4096, timeout_ms: 30000 }
classes:
  works: { priority: 1, share: 50 }
  fails: { priority: 2, share: 50 }
default_class: works
models:
  m: { executor: simulate, cost: { unit: ms, initial: 5 } }
retry: { kind: fixed, base_ms: 2000, jitter: full, max_attempts: 1000 }
bounds: { max_hops: 10000 }
";

/// How long a task that works takes: the slots are the limit, not the machine.
const SERVICE: Duration = Duration::from_millis(5);

/// The policy of this measurement.
///
/// # Errors
/// Never, unless the text above is broken.
pub fn policy() -> Result<Arc<Policy>, Faults> {
    Ok(Arc::new(parse_policy("bench/failing.yaml", POLICY)?))
}

/// Fails every task of one class at once, and takes its time over the others.
pub struct HalfBroken(pub Arc<Tally>);

impl Executor for HalfBroken {
    fn execute<'a>(&'a self, job: &'a Job, _: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if job.task.class.as_str() == "fails" {
                return Outcome::failed(ErrorKind::Retryable, "as it always does");
            }
            tokio::time::sleep(SERVICE).await;
            self.0.add();
            Outcome::Completed {
                output: Value::Null,
                usage: json!({}),
            }
        })
    }
}

/// Publishes `count` tasks of a class to core.
///
/// # Errors
/// The first publish that is not acked.
pub async fn publish(
    broker: &Broker,
    policy: &Policy,
    class: &str,
    count: usize,
) -> Result<(), PublishError> {
    let task = |n: usize| {
        let id = TaskId::new(&format!("{class}-{n}")).ok()?;
        let class = ClassName::new(class).ok()?;
        let model = policy.models[0].name.clone();
        Some(Task::new(id, Lane::Core, class, model, clock::wall()))
    };
    stream::iter((0..count).filter_map(task))
        .map(|task| async move {
            let body = Original::new(Bytes::from_static(br#"{"model":"m","input":null}"#));
            broker.publish_task(&task, &body).await
        })
        .buffer_unordered(PUBLISH_WINDOW)
        .try_for_each(|_| std::future::ready(Ok(())))
        .await
}

/// What `bench failing` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failing {
    /// Tasks per second of the class that works, alone; median.
    pub alone_per_s: f64,
    /// The same beside one whose tasks all fail; median.
    pub beside_per_s: f64,
    /// Beside over alone; median of the pairs.
    pub ratio: f64,
    /// Every pair's ratio, in order.
    pub ratios: Vec<f64>,
    /// Tasks that fail again and again.
    pub failing: usize,
    /// Tasks that work, in each run.
    pub tasks: usize,
}

impl Failing {
    /// Puts the pairs together: tasks per second alone and beside.
    #[must_use]
    pub fn of(pairs: &[(f64, f64)], tasks: usize, failing: usize) -> Self {
        let median = |of: &dyn Fn(&(f64, f64)) -> f64| super::summary::median(pairs.iter().map(of).collect());
        Self {
            alone_per_s: median(&|pair| pair.0).round(),
            beside_per_s: median(&|pair| pair.1).round(),
            ratio: median(&|pair| pair.1 / pair.0),
            ratios: pairs.iter().map(|pair| pair.1 / pair.0).collect(),
            failing,
            tasks,
        }
    }
}
