//! Finds queued tasks that no consumer would ever deliver.
//!
//! A bare publisher may name a class, model or shard nobody planned for. Known class and model: a
//! consumer is made. Else the task becomes a dead letter, with its reason, instead of lying there.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::broker::RequestError;
use crate::broker::raw::Raw;
use crate::broker::subject::{parse_task, task as task_subject};
use crate::broker::sweep::Consumed;
use crate::metrics::UncoveredAction;
use crate::task::{Lane, Task};
use crate::wire::{Arrival, Origin, read_facts, salvage};

use super::bury::{BuryError, dead};
use super::nameless::nameless;
use super::routes::{has_place, is_known};
use super::{Coordinator, consumers, judge, unreadable};

/// How often the lanes are looked over.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Tasks of one subject that become dead letters in one sweep: a flood on one must not keep the others, and
/// the messages that end connections, from being looked for.
const BURIED_MAX: usize = 256;

/// Sweeps until the coordinator stops.
pub(super) async fn run(of: Arc<Coordinator>) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => (),
            () = of.lifecycle.soft().cancelled() => return,
        }
        // Whoever asked for a pause may have died before all of it was carried out.
        if let Err(error) = of.broker.obey_pauses().await {
            tracing::warn!(%error, "pauses could not be seen to; trying again");
        }
        for lane in Lane::ALL {
            if let Err(error) = sweep(&of, lane).await {
                tracing::warn!(%lane, %error, "a lane could not be looked over; trying again");
            }
        }
        for stream in Consumed::ALL {
            if let Err(error) = unreadable::bury(&of, stream).await {
                tracing::warn!(?stream, %error, "messages nobody can read are left; trying again");
            }
        }
    }
}

async fn sweep(of: &Coordinator, lane: Lane) -> Result<(), BuryError> {
    let subjects = of.broker.lane_subjects(lane).await?;
    if subjects.is_empty() {
        return Ok(());
    }
    let there = of.broker.consumers(lane).await?;
    let covered: HashSet<String> = there.iter().map(|c| task_subject(&c.route)).collect();
    let mut to_cover = Vec::new();
    for (subject, count) in subjects
        .into_iter()
        .filter(|(subject, _)| !covered.contains(subject))
    {
        match parse_task(&subject).filter(|route| has_place(&of.policy, route, &there, &to_cover)) {
            Some(route) => to_cover.push(route),
            None => {
                tracing::warn!(nats.subject = %subject, count, "nobody covers these tasks; they become dead letters");
                // One that cannot be buried now must not keep the others from being found.
                if let Err(error) = bury_some(of, lane, &subject).await {
                    tracing::warn!(nats.subject = %subject, %error, "not all of them; trying again");
                }
            }
        }
    }
    if !to_cover.is_empty() {
        consumers::ensure(of, lane, &to_cover).await?;
        of.metrics
            .uncovered(UncoveredAction::ConsumerCreated, to_cover.len());
    }
    Ok(())
}

/// Tasks on one subject: fence, dead letter, and only then out of the lane.
async fn bury_some(of: &Coordinator, lane: Lane, subject: &str) -> Result<(), BuryError> {
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
    }
    Ok(())
}

fn identify(of: &Coordinator, lane: Lane, stray: &Raw) -> Result<(Task, String), RequestError> {
    let named = parse_task(&stray.subject);
    let why = match &named {
        Some(route) if is_known(&of.policy, route) => format!(
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
