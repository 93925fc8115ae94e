//! The time from publish to executor start, at a rate far below what the mesh can do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::summary::Latency;
use super::workload::{Workload, body};
use crate::broker::Broker;
use crate::broker::floor::Tally;
use crate::broker::publish::{Original, PublishError};
use crate::clock;
use crate::executor::{Executor, Job, Outcome};

/// Tasks per second.
const RATE: u32 = 200;
/// Longest latency that is told apart, in µs: a minute.
const LONGEST_US: u64 = 60_000_000;

/// Records how long ago each task says it was published.
pub struct Started {
    tally: Arc<Tally>,
    seen: Mutex<Histogram<u64>>,
}

impl Started {
    /// Expects the tasks of `workload`.
    ///
    /// # Errors
    /// Never with the bounds used here.
    pub fn new(workload: &Workload) -> Result<Arc<Self>, hdrhistogram::CreationError> {
        let seen = Mutex::new(Histogram::new_with_max(LONGEST_US, 3)?);
        Ok(Arc::new(Self {
            tally: Tally::new(workload.tasks),
            seen,
        }))
    }
}

impl Executor for Started {
    fn execute<'a>(&'a self, job: &'a Job, _: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        let now = now_us();
        let sent = job.input.as_u64().unwrap_or(now);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.saturating_record(now.saturating_sub(sent));
        drop(seen);
        self.tally.add();
        Box::pin(std::future::ready(Outcome::Completed {
            output: Value::Null,
            usage: json!({}),
        }))
    }
}

/// Publishes the tasks of `workload` at a steady rate to a mesh that runs `started`.
///
/// # Errors
/// The first publish that is not acked.
pub async fn start_latency(
    broker: &Broker,
    workload: &Workload,
    started: &Started,
) -> Result<Latency, PublishError> {
    let mut every = tokio::time::interval(Duration::from_secs(1) / RATE);
    for task in workload.tasks() {
        every.tick().await;
        broker
            .publish_task(&task, &Original::new(body(&json!(now_us()))))
            .await?;
    }
    started.tally.wait().await;
    let seen = started.seen.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Latency {
        p50_us: seen.value_at_quantile(0.5),
        p99_us: seen.value_at_quantile(0.99),
    })
}

fn now_us() -> u64 {
    u64::try_from(clock::monotonic().0.as_micros()).unwrap_or(u64::MAX)
}
