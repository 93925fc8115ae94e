//! What becomes of tasks on both tracks, from one look to the next.

use std::time::Duration;

use crate::broker::RequestError;
use crate::broker::outcomes::Ended;
use crate::broker::queues::Queue;
use crate::clock;
use crate::config::OnTrial;
use crate::coordinator::Coordinator;
use crate::policy::Edition;
use crate::policy::rollout::Evidence;
use crate::task::{Lane, Shard};

/// The evidence of both tracks since the last look.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    pub(super) stable: Evidence,
    pub(super) canary: Evidence,
}

impl Tracks {
    /// An execution has ended, or a task was given up. What ran under neither of the two policies began before the rollout.
    pub(super) fn count(&mut self, ended: &Ended, stable: &Edition, on: &OnTrial) {
        let track = if ended.policy == on.edition.version {
            &mut self.canary
        } else if ended.policy == stable.version {
            &mut self.stable
        } else {
            return;
        };
        let tally = track.of(&ended.class);
        // Who has a deadline misses it by that, whether the class has an SLO or not.
        if ended.has_expired {
            tally.with_slo += 1;
            return;
        }
        tally.ended += 1;
        tally.failed += u64::from(ended.has_failed);
        if let Some(ms) = ended.waited_ms {
            tally.waits.record(ms);
        }
        // Both are held to the same: a candidate that asks for less is no better for it.
        let of = |policy: &Edition| Some(policy.class(ended.class.as_str())?.slo_ms);
        let slo_ms = of(stable).or_else(|| of(&on.edition)).flatten();
        if let (Some(slo_ms), Some(took_ms)) = (slo_ms, ended.took_ms) {
            tally.with_slo += 1;
            tally.kept_slo += u64::from(took_ms <= slo_ms);
        }
    }

    /// What waits on both tracks, and for how long.
    pub(super) async fn look(&mut self, of: &Coordinator) -> Result<(), RequestError> {
        for lane in Lane::ALL {
            let queues = of.broker.queues(lane).await?;
            for queue in queues
                .iter()
                .filter(|queue| queue.waiting > 0 && !queue.is_paused)
            {
                let waited = waited(of, queue).await?;
                let track = match queue.route.shard {
                    Shard::Canary(_) => &mut self.canary,
                    Shard::Stable(_) => &mut self.stable,
                };
                let tally = track.of(&queue.route.class);
                tally.waiting += queue.waiting;
                let ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                tally.longest_ms = tally.longest_ms.max(ms);
            }
        }
        Ok(())
    }
}

/// For how long the first task of a queue has waited on its lane.
async fn waited(of: &Coordinator, queue: &Queue) -> Result<Duration, RequestError> {
    let since = of.broker.waits_since(&queue.route, queue.delivered).await?;
    let ms = since.map_or(0, |since| clock::wall().since(since));
    Ok(Duration::from_millis(ms))
}
