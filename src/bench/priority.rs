//! What a flood of the normal lane costs the core lane.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, TryStreamExt};
use serde::Serialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::paced::{Paced, SERVICE};
use crate::broker::Broker;
use crate::broker::floor::PUBLISH_WINDOW;
use crate::broker::publish::{Original, PublishError};
use crate::clock;
use crate::config::{Faults, parse_policy};
use crate::policy::Policy;
use crate::task::{ClassName, Lane, Task, TaskId};

/// The class of the core lane; that of the flood is added with its bound. Their shares are those of the built-in policy.
const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 4096, timeout_ms: 60000, max_priority: 2 }
  normal: { concurrency: 4096, timeout_ms: 60000 }
classes:
  urgent: { priority: 1, share: 70 }
default_class: urgent
models:
  m: { executor: simulate, cost: { unit: ms, initial: 20 } }
";

/// Arrivals on the normal lane per task that all slots can do.
const FLOOD: u32 = 10;
/// Part of what all slots can do that arrives on the core lane.
const URGENT: f64 = 0.075;
/// How often a batch of the flood is published.
const BATCH_EVERY: Duration = Duration::from_millis(5);

/// The policy of this measurement, under which the flood may take `bulk_slots`.
///
/// # Errors
/// Never, unless the text above is broken.
pub fn policy(bulk_slots: u32) -> Result<Arc<Policy>, Faults> {
    let bulk = format!("classes:\n  bulk: {{ priority: 5, share: 30, max_concurrent: {bulk_slots} }}\n");
    let yaml = POLICY.replacen("classes:\n", &bulk, 1);
    Ok(Arc::new(parse_policy("bench/priority.yaml", &yaml)?))
}

/// What all of `slots` can do, in tasks per second.
#[must_use]
pub fn capacity_per_s(slots: u32) -> f64 {
    f64::from(slots) / SERVICE.as_secs_f64()
}

/// Publishes tasks to the normal lane, [`FLOOD`] times as many as `slots` can do, until `stop`; how many there were
/// per second.
///
/// # Errors
/// The first publish that is not acked.
pub async fn flood(
    broker: &Broker,
    policy: &Policy,
    slots: u32,
    stop: &CancellationToken,
) -> Result<f64, PublishError> {
    let per_s = capacity_per_s(slots) * f64::from(FLOOD);
    let began = clock::monotonic();
    let mut every = tokio::time::interval(BATCH_EVERY);
    let (mut sent, mut flying) = (0_u64, FuturesUnordered::new());
    loop {
        tokio::select! {
            _ = every.tick() => (),
            () = stop.cancelled() => break,
        }
        let wanted = (clock::monotonic().since(began).as_secs_f64() * per_s) as u64;
        while sent < wanted && !stop.is_cancelled() {
            if flying.len() >= PUBLISH_WINDOW {
                flying.next().await.transpose()?;
            }
            let task = task(policy, Lane::Normal, "bulk", &format!("bulk-{sent}"));
            flying.push(publish(broker, task, Value::Null));
            sent += 1;
        }
    }
    let took = clock::monotonic().since(began);
    flying.try_for_each(|()| std::future::ready(Ok(()))).await?;
    Ok(sent as f64 / took.as_secs_f64())
}

/// Publishes `count` tasks to the core lane, at random and at a rate far below what `slots` can do.
///
/// # Errors
/// The first publish that is not acked.
pub async fn urgent(
    broker: &Broker,
    policy: &Policy,
    slots: u32,
    paced: &Paced,
    count: usize,
    seed: u64,
) -> Result<(), PublishError> {
    let mut random = fastrand::Rng::with_seed(seed);
    let gap_s = 1.0 / (capacity_per_s(slots) * URGENT);
    let (mut due, mut flying) = (tokio::time::Instant::now(), FuturesUnordered::new());
    for n in 0..count {
        due += Duration::from_secs_f64(-gap_s * (1.0 - random.f64()).ln());
        tokio::time::sleep_until(due).await;
        let task = task(policy, Lane::Core, "urgent", &format!("urgent-{n}"));
        flying.push(publish(broker, task, json!(paced.now_us())));
        if flying.len() >= PUBLISH_WINDOW {
            flying.next().await.transpose()?;
        }
        // What was answered meanwhile makes room; nobody waits for the rest.
        while let Some(Some(answered)) = futures_util::FutureExt::now_or_never(flying.next()) {
            answered?;
        }
    }
    flying.try_for_each(|()| std::future::ready(Ok(()))).await
}

fn task(policy: &Policy, lane: Lane, class: &str, id: &str) -> Option<Task> {
    let (id, class) = (TaskId::new(id).ok()?, ClassName::new(class).ok()?);
    Some(Task::new(
        id,
        lane,
        class,
        policy.models[0].name.clone(),
        clock::wall(),
    ))
}

async fn publish(broker: &Broker, task: Option<Task>, input: Value) -> Result<(), PublishError> {
    let body = Bytes::from(json!({"model": "m", "input": input}).to_string());
    match task {
        Some(task) => broker.publish_task(&task, &Original::new(body)).await.map(|_| ()),
        None => Ok(()),
    }
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriorityRun {
    /// The 99th percentile of the core lane, from publish to the end of the execution, in ms.
    pub p99_ms: f64,
    /// Arrivals on the normal lane per task that all slots can do.
    pub flood_times: f64,
    /// Tasks of the normal lane that ended meanwhile.
    pub bulk: u64,
}

/// What `bench priority` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Priority {
    /// The 99th percentile of the core lane beside a flooded normal lane, from publish to the end of the execution,
    /// in ms; median.
    pub core_p99_ms: f64,
    /// The same with nothing on the normal lane; median.
    pub core_p99_unflooded_ms: f64,
    /// Flooded over unflooded; median of the pairs.
    pub ratio: f64,
    /// Every pair's ratio, in order.
    pub ratios: Vec<f64>,
    /// Arrivals on the normal lane per task that all slots can do, as they were; median.
    pub flood_times: f64,
    /// Tasks of the normal lane that ended in a flooded run; median.
    pub bulk: f64,
    /// Slots of the one worker.
    pub slots: u32,
    /// Of them, those that the flood may take.
    pub bulk_slots: u32,
    /// Tasks of the core lane in each run.
    pub tasks: usize,
}

impl Priority {
    /// Puts the pairs together: without a flood, and with one.
    #[must_use]
    pub fn of(pairs: &[(PriorityRun, PriorityRun)], (slots, bulk_slots): (u32, u32), tasks: usize) -> Self {
        let ratios: Vec<f64> = pairs
            .iter()
            .map(|(calm, flooded)| flooded.p99_ms / calm.p99_ms)
            .collect();
        let median = |of: &dyn Fn(&(PriorityRun, PriorityRun)) -> f64| {
            super::summary::median(pairs.iter().map(of).collect())
        };
        Self {
            core_p99_ms: median(&|pair| pair.1.p99_ms),
            core_p99_unflooded_ms: median(&|pair| pair.0.p99_ms),
            ratio: super::summary::median(ratios.clone()),
            ratios,
            flood_times: median(&|pair| pair.1.flood_times),
            bulk: median(&|pair| pair.1.bulk as f64),
            slots,
            bulk_slots,
            tasks,
        }
    }
}
