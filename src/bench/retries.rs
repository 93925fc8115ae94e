//! How late many retries come that are due at about the same time.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::broker::floor::PUBLISH_WINDOW;
use crate::broker::listing::{Cursor, Place};
use crate::broker::publish::Original;
use crate::broker::sweep::Consumed;
use crate::broker::{Broker, RequestError};
use crate::clock;
use crate::policy::Policy;
use crate::task::{EpochMs, ErrorKind, Lane, Task, TaskId};
use crate::wire::Report;

/// The retries come due within so much time.
pub const WINDOW: Duration = Duration::from_secs(10);
/// How often it is looked whether everything has got somewhere.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Longest lateness that is told apart, in ms.
const LONGEST_MS: u64 = 3_600_000;

/// When each retry is due.
pub type Due = HashMap<TaskId, EpochMs>;

/// What `bench retries` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retries {
    /// How many retries.
    pub retries: usize,
    /// How late they were on their lane, in ms; the median.
    pub late_ms_p50: u64,
    /// The 99th percentile.
    pub late_ms_p99: u64,
    /// The latest.
    pub late_ms_max: u64,
    /// Retries that never came, or came twice.
    pub missing: usize,
    /// What the coordinator held at the most, in MiB.
    pub coordinator_mib_max: f64,
    /// What it holds while they wait, in MiB.
    pub coordinator_mib_idle: f64,
    /// What it uses while they wait, in parts of one core.
    pub coordinator_core_idle: f64,
    /// Tasks judged per second.
    pub judged_per_s: f64,
}

/// Reports `count` tasks as failed, each asking to be tried again between `from` and [`WINDOW`] later.
///
/// # Errors
/// The first report that is not taken.
pub async fn report(
    broker: &Broker,
    policy: &Policy,
    count: usize,
    from: EpochMs,
) -> Result<(), crate::broker::publish::PublishError> {
    let report = |n: usize| {
        let id = TaskId::new(&format!("retry-{n}")).ok()?;
        let (class, model) = (policy.classes[0].name.clone(), policy.models[0].name.clone());
        let at = from.plus_ms(WINDOW.as_millis() as u64 * n as u64 / count as u64);
        Some(move || Report {
            task: Task::new(id, Lane::Core, class, model, clock::wall()),
            kind: ErrorKind::RateLimited,
            error: "come back later".to_owned(),
            retry_after_ms: Some(at.since(clock::wall())),
            delivered: 1,
            worker: "bench".to_owned(),
            exec_ms: 1,
            history: Vec::new(),
        })
    };
    stream::iter((0..count).filter_map(report))
        .map(|report| async move {
            let body = Original::new(Bytes::from_static(br#"{"model":"m","input":null}"#));
            broker.publish_report(&report(), &body).await
        })
        .buffer_unordered(PUBLISH_WINDOW)
        .try_for_each(|_| std::future::ready(Ok(())))
        .await
}

/// Waits until `count` retries wait for their time, and reads when that is.
///
/// # Errors
/// When the server does not answer.
pub async fn scheduled(broker: &Broker, count: usize) -> Result<Due, RequestError> {
    loop {
        let mut due = Due::new();
        let mut from = Some(1);
        while let Some(sequence) = from {
            let page = broker.timers(Consumed::Retry, sequence).await?;
            due.extend(
                page.found
                    .into_iter()
                    .filter_map(|timer| Some((timer.id, timer.due?))),
            );
            from = page.next;
        }
        if due.len() >= count {
            return Ok(due);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits until all of them are on their lane, or for too long, and tells how late each was. Also how many are missing
/// or there twice.
///
/// # Errors
/// When the server does not answer.
pub async fn arrived(
    broker: &Broker,
    due: &Due,
    until: EpochMs,
) -> Result<(Histogram<u64>, usize), RequestError> {
    loop {
        let waiting: u64 = broker
            .queues(Lane::Core)
            .await?
            .iter()
            .map(|queue| queue.waiting)
            .sum();
        if waiting >= due.len() as u64 || clock::wall() > until {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let late = Histogram::new_with_max(LONGEST_MS, 3).map_err(|error| RequestError {
        operation: "count what is late".to_owned(),
        source: Box::new(error),
    });
    let mut late = late?;
    let (mut seen, mut odd) = (HashMap::new(), 0);
    let mut from = Some(Cursor {
        place: Place::Core,
        sequence: 1,
    });
    while let Some(at) = from {
        let (page, next) = broker.listed(at, &[]).await?;
        for task in page {
            match due.get(&task.id) {
                Some(due) if seen.insert(task.id.clone(), ()).is_none() => {
                    late.saturating_record(task.since.since(*due));
                }
                _ => odd += 1,
            }
        }
        from = next;
    }
    Ok((late, odd + due.len() - seen.len()))
}
