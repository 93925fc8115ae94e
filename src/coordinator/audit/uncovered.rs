//! Finds queued tasks that no consumer would ever deliver.
//!
//! A bare publisher may name a class, model or shard nobody planned for. Known class and model: a
//! consumer is made. Else the task becomes a dead letter, with its reason, instead of lying there.

use std::collections::HashSet;

use crate::broker::raw::Raw;
use crate::broker::subject::{POLICIES, parse_task, task as task_subject};
use crate::broker::sweep::Consumed;
use crate::broker::{RequestError, WriteError};
use crate::config::{OnTrial, parse_policy};
use crate::metrics::{Repair, UncoveredAction};
use crate::policy::{Edition, Policy};
use crate::task::{Lane, Route, Shard, Task};
use crate::wire::{Arrival, Origin, read_facts, salvage};

use super::repaired::repaired;
use crate::coordinator::bury::dead;
use crate::coordinator::limits::{Demands, settle};
use crate::coordinator::nameless::nameless;
use crate::coordinator::routes::{has_place, is_known, wanted};
use crate::coordinator::{Coordinator, judge};

/// Tasks of one subject that become dead letters in one sweep: a flood on one must not keep the others, and
/// the messages that end connections, from being looked for.
const BURIED_MAX: usize = 256;

/// Gives every subject of a lane its consumer, or its tasks their end.
pub(super) async fn sweep(of: &Coordinator, lane: Lane) -> Result<(), WriteError> {
    let subjects = of.broker.lane_subjects(lane).await?;
    if subjects.is_empty() {
        return Ok(());
    }
    let there = of.broker.consumers(lane).await?;
    let covered: HashSet<String> = there.iter().map(|c| task_subject(&c.route)).collect();
    let policy = of.policy();
    let trial = of.trial();
    let on_trial: Option<&Policy> = trial.as_ref().map(|on| -> &Policy { &on.edition });
    let asked: HashSet<Route> = wanted(&policy, on_trial, lane).into_iter().collect();
    let (mut to_cover, mut stored) = (Vec::new(), Stored::default());
    for (subject, count) in subjects
        .into_iter()
        .filter(|(subject, _)| !covered.contains(subject))
    {
        let route = parse_task(&subject);
        if let Some(route) = route
            .clone()
            .filter(|route| has_place(&policy, route, &there, &to_cover))
        {
            to_cover.push(route);
            continue;
        }
        match route {
            // A rollout gave it its track: that there is no place for it yet, or not any more, is no fault of the task.
            Some(route) if asked.contains(&route) || is_left_of_a_rollout(&policy, &route) => {
                to_cover.push(route)
            }
            // It came back after its class was taken out of the policy: what the mesh has accepted is drained.
            Some(route) if is_drained(&policy, on_trial, &route) && stored.knew(of, &route).await? => {
                to_cover.push(route);
            }
            // Gateways may hear of a policy first, and it may have what this one does not know.
            _ if stored.is_ahead(of, &policy, trial.as_deref()).await? => {
                tracing::debug!(nats.subject = %subject, count, "nobody covers these tasks; another policy holds by now, or is on trial");
            }
            _ => {
                tracing::warn!(nats.subject = %subject, count, "nobody covers these tasks; they become dead letters");
                // One that cannot be buried now must not keep the others from being found.
                if let Err(error) = bury_some(of, lane, &subject).await {
                    tracing::warn!(nats.subject = %subject, %error, "not all of them; trying again");
                }
            }
        }
    }
    if !to_cover.is_empty() {
        let there = settle(of, lane, &to_cover, &mut Demands::new()).await?;
        // Those for which no place is free yet are found again.
        to_cover.retain(|route| there.iter().any(|queue| queue.route == *route));
        of.metrics
            .uncovered(UncoveredAction::ConsumerCreated, to_cover.len());
    }
    for route in to_cover {
        let subject = task_subject(&route);
        // The first task that waited stands for all; it may be gone by now.
        if let Some(stray) = of.broker.stray(lane, &subject, 1).await? {
            let (task, _) = identify(of, lane, &stray)?;
            let what = format!("{subject} had no consumer, and has one now");
            repaired(of, Repair::Uncovered, &task, &what).await;
        }
    }
    Ok(())
}

/// Whether a task was on the canary track of a rollout, for a class and a model that are there.
fn is_left_of_a_rollout(policy: &Policy, route: &Route) -> bool {
    matches!(route.shard, Shard::Canary(_)) && is_known(policy, route)
}

/// Whether only the class of a route may have gone: nobody runs a model that has gone, so its tasks must not lie there.
fn is_drained(policy: &Policy, on_trial: Option<&Policy>, route: &Route) -> bool {
    let mut policies = std::iter::once(policy).chain(on_trial);
    !is_known(policy, route) && policies.any(|policy| policy.model_by_token(&route.model).is_some())
}

/// What the server has stored, once somebody asks.
#[derive(Default)]
struct Stored {
    policies: Option<Vec<Policy>>,
    is_ahead: Option<bool>,
}

impl Stored {
    /// Whether a policy holds or is on trial that this coordinator has still to hear of, as one that acts on `policy` and
    /// `trial`.
    async fn is_ahead(
        &mut self,
        of: &Coordinator,
        policy: &Edition,
        trial: Option<&OnTrial>,
    ) -> Result<bool, RequestError> {
        if let Some(known) = self.is_ahead {
            return Ok(known);
        }
        let refused = of.policy_refused();
        let known = [Some(policy.version), trial.map(|on| on.edition.version), refused];
        let rollout = match of.broker.rollout().await {
            Ok(standing) => standing.rollout,
            // A mesh of an earlier version has no such bucket. Otherwise nothing is buried until it is known.
            Err(_) if matches!(of.broker.stream_state(POLICIES).await, Ok(None)) => None,
            Err(error) => return Err(error),
        };
        let is_ahead = rollout.is_some_and(|rollout| {
            let candidate = rollout.trial.map(|trial| trial.candidate);
            !known.contains(&Some(rollout.stable)) || candidate.is_some() && !known.contains(&candidate)
        });
        Ok(*self.is_ahead.insert(is_ahead))
    }

    /// Whether any of them has the class and the model of `route`, or what held here before they were stored.
    async fn knew(&mut self, of: &Coordinator, route: &Route) -> Result<bool, RequestError> {
        if of.policy_was(|policy| is_known(policy, route)) {
            return Ok(true);
        }
        if self.policies.is_none() {
            let all = of.broker.stored_policies().await?;
            let read = all.into_iter().filter_map(|(version, stored)| {
                let name = format!("policy {version}");
                parse_policy(&name, &stored.ok()?.document).ok()
            });
            self.policies = Some(read.collect());
        }
        let past = self.policies.iter().flatten();
        Ok(past.into_iter().any(|policy| is_known(policy, route)))
    }
}

/// Tasks on one subject: fence, dead letter, and only then out of the lane.
async fn bury_some(of: &Coordinator, lane: Lane, subject: &str) -> Result<(), WriteError> {
    let mut from = 1;
    for _ in 0..BURIED_MAX {
        let next = of.broker.stray(lane, subject, from).await?;
        let Some(stray) = next.filter(|_| !of.lifecycle.soft().is_cancelled()) else {
            return Ok(());
        };
        from = stray.sequence + 1;
        let (task, why) = identify(of, lane, &stray)?;
        let (report, reason) = judge::unroutable(task, why);
        dead(&of.broker, &report, reason, &stray.original, stray.stored_at).await?;
        of.broker.remove(Consumed::Lane(lane), stray.sequence).await?;
        of.metrics.dead_letter(&report.task.class, reason);
        of.metrics.uncovered(UncoveredAction::DeadLettered, 1);
        repaired(of, Repair::Unroutable, &report.task, &report.error).await;
    }
    Ok(())
}

/// The task of a message, and why it has no consumer.
pub(in crate::coordinator) fn identify(
    of: &Coordinator,
    lane: Lane,
    stray: &Raw,
) -> Result<(Task, String), RequestError> {
    let named = parse_task(&stray.subject);
    let why = match &named {
        Some(route) if is_known(&of.policy(), route) => format!(
            "no place for a consumer of the shard {} ({}): the lane's or the class's limit is given out; publish \
             to a shard the policy has, or raise the limit",
            route.shard, stray.subject
        ),
        Some(route) => format!(
            "no consumer for class {} and model {} ({}): add both to the policy, or publish to a class and \
             model it has",
            route.class, route.model, stray.subject
        ),
        None => format!("{}: no legal subject of a task", stray.subject),
    };
    let route = match named {
        Some(route) => route,
        None => nameless(lane)?,
    };
    let headers = stray.original.headers();
    let arrival = Arrival {
        route: &route,
        headers: &headers,
        body: &stray.original.body,
        origin: Origin::Lane(stray.sequence),
        stored_at: stray.stored_at,
    };
    let task = read_facts(&arrival).unwrap_or_else(|malformed| salvage(&arrival, &malformed));
    Ok((task, why))
}
