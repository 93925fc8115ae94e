//! Which shard of its tenant's hand a task goes to: the one in which the fewest wait, as far as this gateway knows.
//!
//! A tenant that floods a class fills the shards of its own hand; another one seldom has the same hand, and goes to a
//! shard of its own that is not full. What is known is a look at the lanes once a second, and what was published here
//! since.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::broker::{Broker, subject};
use crate::clock;
use crate::config::LivePolicy;
use crate::lifecycle::Lifecycle;
use crate::policy::Policy;
use crate::task::{Lane, Route, Shard, Task};

/// How often the lanes are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Tasks that wait, by route.
#[derive(Debug, Default)]
pub struct Backlogs(Mutex<HashMap<Route, u64>>);

impl Backlogs {
    /// Backlogs that follow the lanes until the gateway stops, while the policy has a class whose tenants have a choice.
    #[must_use]
    pub fn follow(broker: &Broker, policy: &Arc<LivePolicy>, lifecycle: &Lifecycle) -> Arc<Self> {
        let backlogs = Arc::new(Self::default());
        let (broker, policy, soft) = (broker.clone(), policy.clone(), lifecycle.soft().clone());
        let following = backlogs.clone();
        lifecycle.spawn_aside(async move {
            tokio::select! { () = following.look(broker, &policy) => (), () = soft.cancelled() => () }
        });
        backlogs
    }

    async fn look(&self, broker: Broker, policy: &LivePolicy) {
        let mut changes = policy.changes();
        loop {
            if !policy.now().classes.iter().any(|class| class.hand > 1) {
                if changes.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let mut seen = HashMap::new();
            let mut whole = true;
            for lane in Lane::ALL {
                match broker.lane_subjects(lane).await {
                    Ok(subjects) => seen.extend(subjects.iter().filter_map(|(on, waiting)| {
                        let route = subject::parse_task(on)?;
                        Some((route, *waiting as u64))
                    })),
                    Err(error) => {
                        tracing::debug!(%lane, %error, "cannot look at a lane; its backlogs stay as they were");
                        whole = false;
                    }
                }
            }
            if whole {
                *self.lock() = seen;
            }
            tokio::time::sleep_until(clock::instant(clock::monotonic() + LOOK_EVERY)).await;
        }
    }

    /// Deals the task to a shard of its tenant's hand: the one with the fewest waiting, the first of those that are
    /// alike. It counts there from now on.
    pub fn deal(&self, policy: &Policy, task: &mut Task) {
        let Some(class) = policy.class(task.class.as_str()).filter(|class| class.hand > 1) else {
            return;
        };
        // The canary track has no hands: it is there for a while.
        if matches!(task.shard, Shard::Canary(_)) {
            return;
        }
        let model = task.model.token();
        let route = |shard: Shard| Route {
            lane: task.lane,
            class: task.class.clone(),
            model: model.clone(),
            shard,
        };
        let mut waiting = self.lock();
        let hand = Shard::hand(&task.tenant, class.shards, class.hand);
        let fewest = hand
            .into_iter()
            .min_by_key(|shard| waiting.get(&route(*shard)).copied().unwrap_or(0));
        if let Some(shard) = fewest {
            *waiting.entry(route(shard)).or_default() += 1;
            task.shard = shard;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Route, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::default_policy;
    use crate::gateway::{Admitted, Asked, Terms, admit};
    use crate::policy::Reach;
    use crate::task::{EpochMs, TaskId, TenantId};

    fn task(policy: &Policy, tenant: &str) -> Task {
        let body = serde_json::json!({"model": policy.models[0].name.as_str(), "input": "x", "tenant": tenant,
            "class": policy.classes[0].name.as_str()});
        let terms = Terms {
            body_max: 1000,
            reach: Reach::Public,
        };
        let id = || TaskId::new("t").unwrap();
        let body = body.to_string().into();
        let Admitted { task, .. } =
            admit(policy, body, None, &Asked::default(), EpochMs(0), id, terms).unwrap();
        task
    }

    fn policy(shards: u16, hand: u16) -> Policy {
        let mut policy = default_policy();
        (policy.classes[0].shards, policy.classes[0].hand) = (shards, hand);
        policy
    }

    #[test]
    fn without_a_choice_the_shard_is_the_tenants_own() {
        let (policy, backlogs) = (policy(16, 1), Backlogs::default());
        for _ in 0..3 {
            let mut task = task(&policy, "acme");
            backlogs.deal(&policy, &mut task);
            assert_eq!(task.shard, Shard::of(&task.tenant, 16));
        }
    }

    #[test]
    fn tasks_go_where_the_fewest_wait_within_the_hand() {
        let (policy, backlogs) = (policy(16, 3), Backlogs::default());
        let tenant = TenantId::new("acme").unwrap();
        let hand = Shard::hand(&tenant, 16, 3);
        let mut dealt = |_| {
            let mut task = task(&policy, "acme");
            backlogs.deal(&policy, &mut task);
            task.shard
        };
        let turns: Vec<Shard> = (0..6).map(&mut dealt).collect();
        assert_eq!(turns, [&hand[..], &hand[..]].concat());
    }

    #[test]
    fn a_flood_fills_its_own_hand_and_leaves_the_others_a_shard() {
        let (policy, backlogs) = (policy(16, 3), Backlogs::default());
        for _ in 0..300 {
            backlogs.deal(&policy, &mut task(&policy, "heavy"));
        }
        let covered = (0..200).filter(|n| {
            let mut light = task(&policy, &format!("light-{n}"));
            backlogs.deal(&policy, &mut light);
            Shard::hand(&TenantId::new("heavy").unwrap(), 16, 3).contains(&light.shard)
        });
        // One of 560 hands is the same: of 200 tenants hardly one.
        assert!(covered.count() <= 2);
    }
}
