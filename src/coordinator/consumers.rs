//! Makes the consumers at the server what the policy says.

use crate::broker::RequestError;
use crate::broker::consumer::{ConsumerFacts, ConsumerSpec};
use crate::task::{Lane, Route};

use super::Coordinator;
use super::routes::{is_known, specs};

/// Creates what is missing and sets limits. Consumers of routes that are known but not of this
/// policy (a shard somebody published to) are kept and get their part of the lane's limit.
///
/// Limits are lowered before any is raised, so that their sum never passes the lane's.
pub(super) async fn ensure(of: &Coordinator, lane: Lane, uncovered: &[Route]) -> Result<(), RequestError> {
    let there = of.broker.consumers(lane).await?;
    let mut found: Vec<Route> = there
        .iter()
        .map(|c| c.route.clone())
        .filter(|r| is_known(&of.policy, r))
        .collect();
    found.extend_from_slice(uncovered);
    let wanted = specs(&of.policy, lane, &found);
    let mut changed: Vec<&ConsumerSpec> = wanted.iter().filter(|spec| !is_there(spec, &there)).collect();
    changed.sort_by_key(|spec| raises(spec, &there));
    let changed_any = !changed.is_empty();
    let pauses = of.broker.pauses().await?;
    for spec in changed {
        let is_paused = pauses.iter().any(|paused| paused.pause.covers(&spec.route));
        of.broker.ensure_consumer(spec, is_paused).await?;
        tracing::info!(
            lane = %lane,
            task.class = %spec.route.class,
            model = %spec.route.model,
            shard = %spec.route.shard,
            limit = spec.max_ack_pending,
            "consumer set"
        );
    }
    if changed_any {
        // A pause that was noted in between was overwritten by the updates.
        of.broker.obey_pauses().await?;
    }
    of.metrics.consumers(lane, wanted.len());
    Ok(())
}

fn is_there(spec: &ConsumerSpec, there: &[ConsumerFacts]) -> bool {
    there.iter().any(|c| {
        c.route == spec.route && c.max_ack_pending == spec.max_ack_pending && c.ack_wait == spec.ack_wait
    })
}

fn raises(spec: &ConsumerSpec, there: &[ConsumerFacts]) -> bool {
    there
        .iter()
        .find(|c| c.route == spec.route)
        .is_none_or(|c| c.max_ack_pending < spec.max_ack_pending)
}
