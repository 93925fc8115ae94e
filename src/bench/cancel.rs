//! How soon a slot is free whose task was cancelled.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hdrhistogram::Histogram;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::broker::publish::{Original, PublishError};
use crate::broker::{Broker, RequestError};
use crate::clock;
use crate::executor::{Executor, Job, Outcome};
use crate::policy::Policy;
use crate::task::{ErrorKind, Lane, Moment, State, Task, TaskId};
use crate::wire::ResultRecord;

/// Longest time that is told apart, in µs: a minute.
const LONGEST_US: u64 = 60_000_000;
/// Starts that may lie unread.
const STARTS: usize = 16;

/// Holds its slot until it is cancelled, and tells of each start.
pub struct Holds(mpsc::Sender<(TaskId, Moment)>);

impl Holds {
    /// An executor, and what it tells.
    #[must_use]
    pub fn new() -> (Arc<Self>, mpsc::Receiver<(TaskId, Moment)>) {
        let (tell, told) = mpsc::channel(STARTS);
        (Arc::new(Self(tell)), told)
    }
}

impl Executor for Holds {
    fn execute<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let at = clock::monotonic();
            // Nobody reads it once the measurement is over.
            let _ = self.0.send((job.task.id.clone(), at)).await;
            cancel.cancelled().await;
            Outcome::failed(ErrorKind::Cancelled, "cancelled")
        })
    }
}

/// What `bench cancel` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Freed {
    /// From the request to the record that ends the task, in µs; the median.
    pub ended_us_p50: u64,
    /// The 99th percentile.
    pub ended_us_p99: u64,
    /// From the request to the start of the next task on the same slot, in µs; the median.
    pub free_us_p50: u64,
    /// The 99th percentile.
    pub free_us_p99: u64,
    /// How many were cancelled.
    pub tasks: usize,
}

/// A measurement that broke off.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// A task or a record was not taken.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The worker was not told.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The bounds of the histogram.
    #[error(transparent)]
    Bounds(#[from] hdrhistogram::CreationError),
    /// The worker started no further task.
    #[error("the worker starts no further task")]
    Stuck,
}

/// Cancels one task after the other on a worker with one slot, as a gateway does: the record first, then the word to
/// the worker.
///
/// # Errors
/// [`CancelError`].
pub async fn cancel(
    broker: &Broker,
    policy: &Policy,
    starts: &mut mpsc::Receiver<(TaskId, Moment)>,
    count: usize,
) -> Result<Freed, CancelError> {
    let (mut ended, mut free) = (
        Histogram::<u64>::new_with_max(LONGEST_US, 3)?,
        Histogram::<u64>::new_with_max(LONGEST_US, 3)?,
    );
    let us = |from: Moment, to: Moment| u64::try_from(to.since(from).as_micros()).unwrap_or(u64::MAX);
    for n in 0..=count {
        let Ok(id) = TaskId::new(&format!("cancel-{n}")) else {
            continue;
        };
        let (class, model) = (policy.classes[0].name.clone(), policy.models[0].name.clone());
        let task = Task::new(id, Lane::Core, class, model, clock::wall());
        let body = Original::new(Bytes::from_static(br#"{"model":"noop","input":null}"#));
        broker.publish_task(&task, &body).await?;
    }
    let mut running = starts.recv().await.ok_or(CancelError::Stuck)?.0;
    for _ in 0..count {
        let asked = clock::monotonic();
        broker.publish_result(&record(&running, policy), 0).await?;
        ended.saturating_record(us(asked, clock::monotonic()));
        broker.publish_cancel(&running).await?;
        let (next, started) = starts.recv().await.ok_or(CancelError::Stuck)?;
        free.saturating_record(us(asked, started));
        running = next;
    }
    // Nothing is left running.
    broker.publish_result(&record(&running, policy), 0).await?;
    broker.publish_cancel(&running).await?;
    Ok(Freed {
        ended_us_p50: ended.value_at_quantile(0.5),
        ended_us_p99: ended.value_at_quantile(0.99),
        free_us_p50: free.value_at_quantile(0.5),
        free_us_p99: free.value_at_quantile(0.99),
        tasks: count,
    })
}

fn record(id: &TaskId, policy: &Policy) -> ResultRecord {
    let (class, model) = (policy.classes[0].name.clone(), policy.models[0].name.clone());
    let task = Task::new(id.clone(), Lane::Core, class, model, clock::wall());
    ResultRecord {
        policy: None,
        task_id: task.id,
        state: State::Cancelled,
        hop: 0,
        attempt: 0,
        class: task.class,
        tenant: task.tenant,
        worker: "bench".to_owned(),
        queued_ms: 0,
        exec_ms: 0,
        output: Value::Null,
        usage: json!({}),
        error: None,
    }
}
