//! Keeps the limits of a lane's consumers: who needs places gets what others do not use.
//!
//! Only the leader does it, and one step at a time. What is lowered is lowered first, and given only as far as the
//! server says afterwards that it has drained; so however the steps of two leaders mix, the next step finds what is
//! too much and takes it back.

use std::collections::HashMap;
use std::time::Duration;

use super::Coordinator;
use super::routes::{groups, wanted};
use crate::broker::RequestError;
use crate::broker::consumer::ConsumerSpec;
use crate::broker::queues::{Paused, Queue};
use crate::policy::{Demand, Place, Policy, Seen, lowered, raised};
use crate::task::{Lane, Route};

/// A shorter `ack_wait` is set so long after the policy that says so came to hold.
const SHORTER_AFTER: Duration = Duration::from_secs(3);

/// What the steps of one lane remember: what each of its consumers could use.
pub(super) type Demands = HashMap<Route, Demand>;

/// Takes one step, with consumers for routes `found` elsewhere; the queues as they are then. Nothing changes where
/// this one does not lead.
pub(super) async fn settle(
    of: &Coordinator,
    lane: Lane,
    found: &[Route],
    demands: &mut Demands,
) -> Result<Vec<Queue>, RequestError> {
    // The audit makes consumers, too: each step begins from what the server has.
    let _step = of.settling.lock().await;
    let mut queues = of.broker.queues(lane).await?;
    let (policy, trial) = (of.policy(), of.trial());
    let on_trial: Option<&Policy> = trial.as_ref().map(|on| -> &Policy { &on.edition });
    let routes = routes(wanted(&policy, on_trial, lane), &queues, found);
    let (groups, of_route) = groups(&policy, &routes);
    let needs = look(&queues, demands);
    let step = Step {
        of,
        policy: &policy,
        lane,
        routes: &routes,
        of_route: &of_route,
        needs: &needs,
    };
    let mut pauses = None;
    let low = lowered(step.limit(), &groups, &step.places(&queues));
    if step.write(&mut queues, &low, &mut pauses).await? {
        // What was lowered drains meanwhile, and nothing beyond it begins any more.
        queues = of.broker.queues(lane).await?;
    }
    let high = raised(step.limit(), &groups, &step.places(&queues));
    let gave = step.write(&mut queues, &high, &mut pauses).await?;
    if gave && queues.len() < routes.len() {
        queues = of.broker.queues(lane).await?;
    }
    if pauses.is_some() {
        // A pause that was noted in between was overwritten by the updates.
        of.broker.obey_pauses().await?;
    }
    of.metrics.consumers(lane, queues.len());
    Ok(queues)
}

/// The routes that have a consumer or are to have one.
fn routes(wanted: Vec<Route>, queues: &[Queue], found: &[Route]) -> Vec<Route> {
    let mut routes: Vec<Route> = queues.iter().map(|queue| queue.route.clone()).collect();
    for route in wanted.iter().chain(found) {
        if !routes.contains(route) {
            routes.push(route.clone());
        }
    }
    routes
}

/// Notes what was seen, and says how many places each queue could use.
fn look(queues: &[Queue], demands: &mut Demands) -> HashMap<Route, u32> {
    let (mut next, mut needs) = (Demands::new(), HashMap::new());
    for queue in queues {
        let seen = Seen {
            waiting: if queue.is_paused { 0 } else { queue.waiting },
            out: queue.out,
            limit: queue.limit,
        };
        let before = demands.get(&queue.route);
        let demand = Demand::of(seen, before);
        needs.insert(queue.route.clone(), demand.places(before));
        next.insert(queue.route.clone(), demand);
    }
    *demands = next;
    needs
}

/// One step on one lane.
struct Step<'a> {
    of: &'a Coordinator,
    policy: &'a Policy,
    lane: Lane,
    routes: &'a [Route],
    of_route: &'a [usize],
    needs: &'a HashMap<Route, u32>,
}

impl Step<'_> {
    fn limit(&self) -> u32 {
        self.policy.lane(self.lane).concurrency
    }

    /// The consumers as they are, in the order of the routes.
    fn places(&self, queues: &[Queue]) -> Vec<Place> {
        let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let place = |(route, group): (&Route, &usize)| {
            let queue = queues.iter().find(|queue| queue.route == *route);
            Place {
                group: *group,
                limit: queue.map_or(0, |queue| number(queue.limit).max(1)),
                out: queue.map_or(0, |queue| number(queue.out)),
                demand: self.needs.get(route).copied().unwrap_or(0),
            }
        };
        self.routes.iter().zip(self.of_route).map(place).collect()
    }

    /// Makes the consumers what `limits` says, and notes that in `queues`. Says whether it changed any.
    async fn write(
        &self,
        queues: &mut [Queue],
        limits: &[u32],
        pauses: &mut Option<Vec<Paused>>,
    ) -> Result<bool, RequestError> {
        let wanted = Duration::from_millis(self.policy.lane(self.lane).ack_wait_ms);
        let is_known = self.of.policy_age() >= SHORTER_AFTER;
        let mut changed = false;
        for (route, limit) in self.routes.iter().zip(limits).filter(|(_, limit)| **limit > 0) {
            let there = queues.iter_mut().find(|queue| queue.route == *route);
            let ack_wait = match there.as_deref() {
                // Until everybody has heard, signs of life come as seldom as before.
                Some(queue) if wanted < queue.ack_wait && !is_known => queue.ack_wait,
                _ => wanted,
            };
            let is_right = |queue: &Queue| queue.limit == u64::from(*limit) && queue.ack_wait == ack_wait;
            if there.as_deref().is_some_and(is_right) {
                continue;
            }
            if pauses.is_none() {
                *pauses = Some(self.of.broker.pauses().await?);
            }
            // One that was frozen before any of these writes wakes up beside another leader.
            if !self.of.leader.is_leading() {
                return Ok(changed);
            }
            let is_paused = pauses.iter().flatten().any(|paused| paused.pause.covers(route));
            let spec = ConsumerSpec {
                route: route.clone(),
                max_ack_pending: *limit,
                ack_wait,
            };
            match there {
                Some(queue) => {
                    self.of.broker.relimit(queue, &spec, is_paused).await?;
                    self.of.metrics.limit_change(self.lane);
                    (queue.limit, queue.ack_wait) = (u64::from(*limit), ack_wait);
                }
                None => self.of.broker.ensure_consumer(&spec, is_paused).await?,
            }
            tracing::debug!(
                lane = %self.lane,
                task.class = %route.class,
                model = %route.model,
                shard = %route.shard,
                limit,
                "limit set"
            );
            changed = true;
        }
        Ok(changed)
    }
}
