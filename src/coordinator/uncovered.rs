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
use crate::task::{Lane, Route, Task};
use crate::wire::{Arrival, Origin, read_facts, salvage};

use super::bury::{BuryError, dead};
use super::nameless::nameless;
use super::routes::is_known;
use super::{Coordinator, consumers, judge, unreadable};

/// How often the lanes are looked over.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// Consumers of one lane at most: beyond it a replicated stream becomes slow.
const CONSUMERS_MAX: usize = 200;

/// Sweeps until the coordinator stops.
pub(super) async fn run(of: Arc<Coordinator>) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => (),
            () = of.lifecycle.soft().cancelled() => return,
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
        match parse_task(&subject).filter(|route| is_known(&of.policy, route)) {
            Some(route) if covered.len() + to_cover.len() < CONSUMERS_MAX => to_cover.push(route),
            route => {
                tracing::warn!(nats.subject = %subject, count, "nobody covers these tasks; they become dead letters");
                // One that cannot be buried now must not keep the others from being found.
                if let Err(error) = bury_all(of, lane, &subject, route).await {
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

/// Every task on one subject: fence, dead letter, and only then out of the lane.
async fn bury_all(
    of: &Coordinator,
    lane: Lane,
    subject: &str,
    route: Option<Route>,
) -> Result<(), BuryError> {
    let mut from = 1;
    while let Some(stray) = of.broker.stray(lane, subject, from).await? {
        from = stray.sequence + 1;
        let (task, why) = identify(lane, route.as_ref(), &stray)?;
        let (report, reason) = judge::unroutable(task, why);
        dead(&of.broker, &report, reason, &stray.original, stray.stored_at).await?;
        of.broker.remove(Consumed::Lane(lane), stray.sequence).await?;
        of.metrics.dead_letter(&report.task.class, reason);
        of.metrics.uncovered(UncoveredAction::DeadLettered, 1);
    }
    Ok(())
}

fn identify(lane: Lane, route: Option<&Route>, stray: &Raw) -> Result<(Task, String), RequestError> {
    let named = route.cloned().or_else(|| parse_task(&stray.subject));
    let why = match &named {
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
