//! Makes the consumers of a lane that has none yet, and bounds the silence of those that are there as the policy says.
//! From then on the leader sees to them, in [`super::limits`]: two that give places at the same time would give them
//! twice.

use std::time::Duration;

use super::Coordinator;
use super::routes::{first, is_known};
use crate::broker::RequestError;
use crate::broker::consumer::ConsumerSpec;
use crate::task::Lane;

/// Creates every consumer of the policy where the lane has none. Several coordinators may do it at once: what they
/// make is the same.
pub(super) async fn ensure(of: &Coordinator, lane: Lane) -> Result<(), RequestError> {
    let there = of.broker.queues(lane).await?;
    let pauses = of.broker.pauses().await?;
    let policy = of.policy();
    let ack_wait = Duration::from_millis(policy.lane(lane).ack_wait_ms);
    let missing = if there.is_empty() {
        first(&policy, lane)
    } else {
        Vec::new()
    };
    let late: Vec<_> = there
        .iter()
        .filter(|queue| queue.ack_wait != ack_wait && is_known(&policy, &queue.route))
        .collect();
    for spec in &missing {
        let is_paused = pauses.iter().any(|paused| paused.pause.covers(&spec.route));
        of.broker.ensure_consumer(spec, is_paused).await?;
        told("consumer made", spec);
    }
    for queue in &late {
        let spec = ConsumerSpec {
            route: queue.route.clone(),
            max_ack_pending: u32::try_from(queue.limit).unwrap_or(u32::MAX),
            ack_wait,
        };
        let is_paused = pauses.iter().any(|paused| paused.pause.covers(&spec.route));
        of.broker.relimit(queue, &spec, is_paused).await?;
        told("consumer set", &spec);
    }
    if !missing.is_empty() || !late.is_empty() {
        // A pause that was noted in between was overwritten.
        of.broker.obey_pauses().await?;
    }
    of.metrics.consumers(lane, there.len().max(missing.len()));
    Ok(())
}

fn told(what: &str, spec: &ConsumerSpec) {
    tracing::info!(
        lane = %spec.route.lane,
        task.class = %spec.route.class,
        model = %spec.route.model,
        shard = %spec.route.shard,
        limit = spec.max_ack_pending,
        "{what}"
    );
}
