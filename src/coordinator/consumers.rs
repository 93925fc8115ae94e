//! Makes the consumers of a lane that has none yet. From then on the leader sees to them, in [`super::limits`]: two
//! that give places at the same time would give them twice.

use super::Coordinator;
use super::routes::first;
use crate::broker::RequestError;
use crate::task::Lane;

/// Creates every consumer of the policy where the lane has none. Several coordinators may do it at once: what they
/// make is the same.
pub(super) async fn ensure(of: &Coordinator, lane: Lane) -> Result<(), RequestError> {
    if !of.broker.consumers(lane).await?.is_empty() {
        return Ok(());
    }
    let wanted = first(&of.policy, lane);
    let pauses = of.broker.pauses().await?;
    for spec in &wanted {
        let is_paused = pauses.iter().any(|paused| paused.pause.covers(&spec.route));
        of.broker.ensure_consumer(spec, is_paused).await?;
        tracing::info!(
            lane = %lane,
            task.class = %spec.route.class,
            model = %spec.route.model,
            shard = %spec.route.shard,
            limit = spec.max_ack_pending,
            "consumer made"
        );
    }
    // A pause that was noted in between was overwritten.
    of.broker.obey_pauses().await?;
    of.metrics.consumers(lane, wanted.len());
    Ok(())
}
