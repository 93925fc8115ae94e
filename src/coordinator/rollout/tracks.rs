//! What becomes of tasks on both tracks, from one look to the next.

use crate::broker::RequestError;
use crate::broker::outcomes::Ended;
use crate::clock;
use crate::config::OnTrial;
use crate::coordinator::Coordinator;
use crate::policy::Edition;
use crate::policy::rollout::{Evidence, Settling};
use crate::task::{EpochMs, Lane, Shard};

/// The evidence of both tracks since the last look.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    pub(super) stable: Evidence,
    pub(super) canary: Evidence,
}

impl Tracks {
    /// An execution has ended, or a task was given up. What ran under neither of the two policies began before the rollout.
    ///
    /// What came before the trial began is of no track. How long a task waited counts once the stable track is rid of that, and
    /// of what had to wait behind it.
    pub(super) fn count(&mut self, ended: &Ended, stable: &Edition, on: &OnTrial, settling: &Settling) {
        let now = clock::wall();
        let came_since = |from: EpochMs| ended.age_ms.is_none_or(|age_ms| now.since(from) >= age_ms);
        if !came_since(settling.began()) {
            return;
        }
        let has_settled = settling.from().is_some_and(came_since);
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
            tally.with_slo += u64::from(has_settled);
            return;
        }
        tally.ended += 1;
        tally.failed += u64::from(ended.has_failed);
        if let Some(ms) = ended.waited_ms.filter(|_| has_settled) {
            tally.waits.record(ms);
        }
        // Both are held to the same: a candidate that asks for less is no better for it.
        let of = |policy: &Edition| Some(policy.class(ended.class.as_str())?.slo_ms);
        let slo_ms = of(stable).or_else(|| of(&on.edition)).flatten();
        if let (Some(slo_ms), Some(took_ms), true) = (slo_ms, ended.took_ms, has_settled) {
            tally.with_slo += 1;
            tally.kept_slo += u64::from(took_ms <= slo_ms);
        }
    }

    /// What waits on both tracks, and for how long; of what came before the trial began, since then.
    pub(super) async fn look(
        &mut self,
        of: &Coordinator,
        settling: &mut Settling,
    ) -> Result<(), RequestError> {
        let (now, mut oldest) = (clock::wall(), None::<EpochMs>);
        for lane in Lane::ALL {
            let queues = of.broker.queues(lane).await?;
            for queue in queues
                .iter()
                .filter(|queue| queue.waiting > 0 && !queue.is_paused)
            {
                let since = of.broker.waits_since(&queue.route, queue.delivered).await?;
                let track = match queue.route.shard {
                    Shard::Canary(_) => &mut self.canary,
                    Shard::Stable(_) => {
                        oldest = oldest.into_iter().chain(since).min();
                        &mut self.stable
                    }
                };
                let tally = track.of(&queue.route.class);
                tally.waiting += queue.waiting;
                let ms = since.map_or(0, |since| now.since(since.max(settling.began())));
                tally.longest_ms = tally.longest_ms.max(ms);
            }
        }
        settling.look(oldest, now);
        Ok(())
    }
}
