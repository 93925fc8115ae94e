//! What one tenant that floods a class costs the others in it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use serde_json::json;

use super::paced::Paced;
use super::summary::median;
use crate::broker::Broker;
use crate::broker::publish::{Original, PublishError};
use crate::clock;
use crate::config::{Faults, parse_policy};
use crate::gateway::Backlogs;
use crate::policy::Policy;
use crate::task::{Lane, Task, TaskId, TenantId};

const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 4096, timeout_ms: 30000, max_priority: 9 }
  normal: { concurrency: 4096, timeout_ms: 30000 }
classes:
  shared: { priority: 1, share: 1, shards: 16, hand: 3 }
default_class: shared
models:
  m: { executor: simulate, cost: { unit: ms, initial: 20 } }
";

/// Slots of the one worker: 400 tasks per second.
pub const SLOTS: u32 = 8;
/// Tenants, the heavy one among them.
const TENANTS: u32 = 16;
/// Tasks per second that are a tenant's part of the slots.
const PART_PER_S: u32 = 25;
/// A light tenant asks for half of its part, so that the slots are half used without the heavy one.
const LIGHT_PER_S: f64 = PART_PER_S as f64 / 2.0;
/// How often the heavy one publishes what it has to by then.
const TICK: Duration = Duration::from_millis(10);
/// Tasks of the beginning that do not count: costs are learned, consumers are found.
pub const WARM_UP: Duration = Duration::from_secs(1);

/// The policy of this measurement.
///
/// # Errors
/// Never, unless the text above is broken.
pub fn policy() -> Result<Arc<Policy>, Faults> {
    Ok(Arc::new(parse_policy("bench/tenants.yaml", POLICY)?))
}

/// Tasks that the light tenants publish within `seconds`.
#[must_use]
pub fn lights(seconds: u32) -> usize {
    (f64::from(TENANTS - 1) * LIGHT_PER_S * f64::from(seconds)) as usize
}

/// The 99th percentile of the light tenants' time from publication to end, in ms, over `seconds`, while the heavy one
/// publishes `times` its part of the slots.
///
/// # Errors
/// The first publish that is not acked.
pub async fn light_p99_ms(
    broker: &Broker,
    policy: &Policy,
    backlogs: &Backlogs,
    paced: &Paced,
    seconds: u32,
    times: u32,
) -> Result<f64, PublishError> {
    let publisher = Publisher {
        broker,
        policy,
        backlogs,
        paced,
    };
    let heavy = publisher.heavy(times);
    let light = async {
        publisher.light(seconds).await?;
        paced.noted.wait().await;
        Ok(())
    };
    tokio::select! {
        ended = light => ended?,
        ended = heavy => ended?,
    }
    Ok(paced.p99_ms())
}

struct Publisher<'a> {
    broker: &'a Broker,
    policy: &'a Policy,
    backlogs: &'a Backlogs,
    paced: &'a Paced,
}

impl Publisher<'_> {
    /// In turn, evenly spaced; no task waits for the PubAck of the one before.
    async fn light(&self, seconds: u32) -> Result<(), PublishError> {
        let every = Duration::from_secs_f64(1.0 / (f64::from(TENANTS - 1) * LIGHT_PER_S));
        let mut ticks = tokio::time::interval(every);
        let mut sent = FuturesUnordered::new();
        for n in 0..lights(seconds) {
            ticks.tick().await;
            let tenant = n as u32 % (TENANTS - 1);
            sent.push(self.publish(format!("light-{tenant}"), n, Some(self.paced.now_us())));
            while let std::task::Poll::Ready(Some(ended)) = futures_util::poll!(sent.next()) {
                ended?;
            }
        }
        while let Some(ended) = sent.next().await {
            ended?;
        }
        Ok(())
    }

    /// For ever, or never.
    async fn heavy(&self, times: u32) -> Result<(), PublishError> {
        let mut ticks = tokio::time::interval(TICK);
        let each = f64::from(times * PART_PER_S) * TICK.as_secs_f64();
        let (mut owed, mut n) = (0.0, 0);
        loop {
            ticks.tick().await;
            owed += each;
            let mut sent = FuturesUnordered::new();
            while owed >= 1.0 {
                owed -= 1.0;
                n += 1;
                sent.push(self.publish("heavy".to_owned(), n, None));
            }
            while let Some(ended) = sent.next().await {
                ended?;
            }
        }
    }

    async fn publish(&self, tenant: String, number: usize, sent_us: Option<u64>) -> Result<(), PublishError> {
        let names = TaskId::new(&format!("{tenant}-{number}"))
            .ok()
            .zip(TenantId::new(&tenant).ok());
        let Some((id, tenant)) = names else { return Ok(()) };
        let (class, model) = (
            self.policy.classes[0].name.clone(),
            self.policy.models[0].name.clone(),
        );
        let mut task = Task::new(id, Lane::Core, class, model, clock::wall());
        task.tenant = tenant;
        self.backlogs.deal(self.policy, &mut task);
        let body = json!({"model": "m", "input": sent_us}).to_string();
        let body = Original::new(Bytes::from(body));
        self.broker.publish_task(&task, &body).await?;
        Ok(())
    }
}

/// What `bench tenants` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tenants {
    /// 99th percentile of the light tenants' time from publication to end beside the heavy one, in ms; median.
    pub light_p99_ms: f64,
    /// The same without it; median.
    pub light_p99_alone_ms: f64,
    /// Beside over alone; median of the pairs.
    pub ratio: f64,
    /// Every pair's ratio, in order.
    pub ratios: Vec<f64>,
    /// What the heavy tenant publishes over its part of the slots.
    pub times: u32,
}

impl Tenants {
    /// Puts the pairs together: ms alone and beside.
    #[must_use]
    pub fn of(pairs: &[(f64, f64)], times: u32) -> Self {
        let ratios: Vec<f64> = pairs.iter().map(|pair| pair.1 / pair.0).collect();
        Self {
            light_p99_ms: median(pairs.iter().map(|pair| pair.1).collect()),
            light_p99_alone_ms: median(pairs.iter().map(|pair| pair.0).collect()),
            ratio: median(ratios.clone()),
            ratios,
            times,
        }
    }
}
