//! Consumers that the policy does not ask for any more: drained first, then taken away.
//!
//! One goes when nothing waits in it and nothing is out, and when every gateway that is there has acted on this policy
//! for as long as a submission may be repeated: whoever still knew its class could publish to it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::Coordinator;
use super::routes::wanted;
use crate::broker::RequestError;
use crate::broker::queues::Queue;
use crate::clock;
use crate::policy::{Edition, Policy};
use crate::task::{Lane, Moment, Route, Shard};

/// How often queues are looked over.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Takes consumers away until the coordinator stops, whenever it leads.
pub(super) async fn run(of: Arc<Coordinator>) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut agreed = Agreed::default();
    loop {
        tokio::select! {
            _ = every.tick() => (),
            () = of.lifecycle.soft().cancelled() => return,
        }
        if !of.leader.is_leading() {
            agreed = Agreed::default();
            continue;
        }
        if let Err(error) = look(&of, &mut agreed).await {
            tracing::debug!(%error, "consumers that nobody needs are left for now");
        }
    }
}

/// Since when every gateway that is there acts on one and the same policy as this coordinator.
#[derive(Debug, Default)]
struct Agreed(Option<(u64, Moment)>);

impl Agreed {
    /// Notes what the gateways act on; says for how long they have agreed.
    fn note(&mut self, own: u64, mut gateways: impl Iterator<Item = u64>, now: Moment) -> Duration {
        if gateways.any(|of| of != own) {
            self.0 = None;
            return Duration::ZERO;
        }
        match self.0 {
            Some((version, since)) if version == own => now.since(since),
            _ => {
                self.0 = Some((own, now));
                Duration::ZERO
            }
        }
    }
}

async fn look(of: &Coordinator, agreed: &mut Agreed) -> Result<(), RequestError> {
    let (policy, trial) = (of.policy(), of.trial());
    let on_trial: Option<&Policy> = trial.as_ref().map(|on| -> &Policy { &on.edition });
    let mut idle = Vec::new();
    for lane in Lane::ALL {
        let wanted: HashSet<Route> = wanted(&policy, on_trial, lane).into_iter().collect();
        let queues = of.broker.queues(lane).await?;
        idle.extend(queues.into_iter().filter(|queue| is_idle(queue, &wanted)));
    }
    let gateways = of.broker.gateways().await?;
    let versions = gateways.iter().map(|beat| beat.policy.version);
    let agreed_for = agreed.note(policy.version.0, versions, clock::monotonic());
    if idle.is_empty() || agreed_for < of.repeat_window {
        return Ok(());
    }
    let _step = of.settling.lock().await;
    for queue in idle {
        take_away(of, &policy, &queue.route).await?;
    }
    Ok(())
}

fn is_idle(queue: &Queue, wanted: &HashSet<Route>) -> bool {
    !wanted.contains(&queue.route) && queue.waiting == 0 && queue.out == 0
}

/// Whether a consumer of the canary track may still get tasks: a gateway that does not know yet that the rollout is over
/// publishes to it, and so does a repeated submission.
fn is_of_a_trial(of: &Coordinator, route: &Route) -> bool {
    matches!(route.shard, Shard::Canary(_)) && (of.trial().is_some() || of.trial_age() < of.repeat_window)
}

/// What was published since the look is found by the audit, which makes a consumer for it again.
async fn take_away(of: &Coordinator, policy: &Edition, route: &Route) -> Result<(), RequestError> {
    if !of.leader.is_leading() || of.policy().version != policy.version || is_of_a_trial(of, route) {
        return Ok(());
    }
    let queues = of.broker.queues(route.lane).await?;
    let still = queues.iter().find(|queue| queue.route == *route);
    if !still.is_some_and(|queue| queue.waiting == 0 && queue.out == 0) {
        return Ok(());
    }
    of.broker.remove_consumer(route).await?;
    tracing::info!(
        lane = %route.lane,
        task.class = %route.class,
        model = %route.model,
        shard = %route.shard,
        policy = %policy.version,
        "consumer taken away: it is empty, and the policy does not ask for it"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_agree_from_when_the_last_of_them_acts_on_the_policy_until_one_does_not() {
        let at = |s| Moment(Duration::from_secs(s));
        let mut agreed = Agreed::default();
        assert_eq!(agreed.note(3, [2, 3].into_iter(), at(0)), Duration::ZERO);
        assert_eq!(agreed.note(3, [3, 3].into_iter(), at(5)), Duration::ZERO);
        assert_eq!(
            agreed.note(3, [3, 3].into_iter(), at(25)),
            Duration::from_secs(20)
        );
        // One that was started with an older policy and has not heard yet.
        assert_eq!(agreed.note(3, [3, 0].into_iter(), at(30)), Duration::ZERO);
        assert_eq!(agreed.note(3, [3].into_iter(), at(35)), Duration::ZERO);
        assert_eq!(
            agreed.note(4, [4].into_iter(), at(90)),
            Duration::ZERO,
            "another policy"
        );
        assert_eq!(
            agreed.note(4, [].into_iter(), at(100)),
            Duration::from_secs(10),
            "there is no gateway"
        );
    }
}
