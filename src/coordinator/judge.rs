//! One message of `FL_RETRY`, judged and answered: what follows is published before the ack.

use crate::broker::RequestError;
use crate::broker::delivery::{Delivery, arrival};
use crate::broker::publish::{Original, PublishError};
use crate::broker::subject::parse_retry;
use crate::policy::{Failed, Verdict, verdict};
use crate::task::{DeadReason, EpochMs, ErrorKind, Lane, Route, Shard, State, Task};
use crate::wire::header::SHARD;
use crate::wire::{Origin, ReadHeaders, Report, ResultError, read_facts, read_history, read_report, salvage};

use super::Coordinator;
use super::bury::{Buried, BuryError, dead, fence};
use super::nameless::nameless;

/// Pause before a lane that was full is tried again, in ms; doubles with every hop.
const FULL_PAUSE_MS: u64 = 1000;
/// The longest such pause, in ms.
const FULL_PAUSE_MS_MAX: u64 = 60_000;

/// Decides on a failure report and publishes what follows.
pub(super) async fn report(of: &Coordinator, delivery: &Delivery) -> Result<(), BuryError> {
    let headers = delivery.original.headers();
    let Some(route) = route(&delivery.subject, &headers) else {
        return stray(of, delivery).await;
    };
    let read = read_report(
        &route,
        &headers,
        &delivery.original.body,
        delivery.sequence,
        delivery.stored_at,
    );
    let report = read.unwrap_or_else(|malformed| {
        let arrival = arrival(&route, &headers, delivery, Origin::Elsewhere);
        unreadable(salvage(&arrival, &malformed), malformed.what)
    });
    of.metrics.report(report.kind);
    carry_out(of, &report, &delivery.original, delivery.stored_at).await
}

/// Publishes a retry whose time has come to its lane.
pub(super) async fn due(of: &Coordinator, delivery: &Delivery) -> Result<(), BuryError> {
    let headers = delivery.original.headers();
    let Some(route) = route(&delivery.subject, &headers) else {
        return stray(of, delivery).await;
    };
    let arrival = arrival(&route, &headers, delivery, Origin::Elsewhere);
    let task = match read_facts(&arrival) {
        Ok(task) => task,
        Err(malformed) => {
            let report = unreadable(salvage(&arrival, &malformed), malformed.what);
            return carry_out(of, &report, &delivery.original, delivery.stored_at).await;
        }
    };
    let history = read_history(&headers);
    match of.broker.publish_hop(&task, &delivery.original, &history).await {
        Ok(_) => Ok(()),
        Err(PublishError::Full { .. }) => {
            // Not an execution: it costs a hop and no attempt.
            let pause = FULL_PAUSE_MS
                .saturating_mul(1 << task.hop.min(16))
                .min(FULL_PAUSE_MS_MAX);
            let error = format!("the lane {} is full", task.lane);
            let mut report = bare(task, ErrorKind::Yielded, error);
            report.retry_after_ms = Some(pause);
            report.history = history;
            carry_out(of, &report, &delivery.original, delivery.stored_at).await
        }
        // It has grown on its way, or carries headers of others: it can never travel again.
        Err(PublishError::TooLarge { .. }) => {
            let error = "it does not fit into a message any more".to_owned();
            let report = bare(task, ErrorKind::Permanent, error);
            carry_out(of, &report, &delivery.original, delivery.stored_at).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn carry_out(
    of: &Coordinator,
    report: &Report,
    original: &Original,
    at: EpochMs,
) -> Result<(), BuryError> {
    let failed = Failed {
        task: &report.task,
        kind: report.kind,
        retry_after_ms: report.retry_after_ms,
        reported_at: at,
        // Nobody counts time-outs apart from attempts until tasks are demoted.
        timeouts: 0,
    };
    match verdict(&of.policy, &failed) {
        Verdict::Retry {
            at: due,
            attempt,
            hop,
        } => {
            if is_overtaken(of, &report.task).await? {
                tracing::info!(task.id = %report.task.id, hop = report.task.hop, "a report that came too late is dropped");
                return Ok(());
            }
            let next = Task {
                attempt,
                hop,
                ..report.task.clone()
            };
            let history = report.history_after(at);
            match of.broker.publish_retry_at(&next, due, original, &history).await {
                // With its history it has outgrown a message, so it can never travel again.
                Err(PublishError::TooLarge { .. }) => {
                    dead(&of.broker, report, DeadReason::Permanent, original, at).await?;
                    of.metrics.dead_letter(&report.task.class, DeadReason::Permanent);
                }
                scheduled => {
                    scheduled?;
                    of.metrics.retry(next.lane, &next.class);
                }
            }
        }
        Verdict::Dead { reason } => {
            if dead(&of.broker, report, reason, original, at).await? == Buried::Done {
                of.metrics.dead_letter(&report.task.class, reason);
            }
        }
        Verdict::Cancelled => {
            let error = ResultError {
                kind: ErrorKind::Cancelled.to_string(),
                message: report.error.clone(),
            };
            fence(&of.broker, report, State::Cancelled, error, at).await?;
        }
    }
    Ok(())
}

/// Whether a later hop of the task waits for its time already. There is one timer per task: a report that was
/// held up, by a worker that was frozen, would put an earlier one in its place.
async fn is_overtaken(of: &Coordinator, task: &Task) -> Result<bool, RequestError> {
    let waiting = of.broker.waiting(&task.id).await?;
    Ok(waiting.is_some_and(|waiting| waiting.task.hop > task.hop.saturating_add(1)))
}

fn route(subject: &str, headers: &dyn ReadHeaders) -> Option<Route> {
    let (lane, class, model) = parse_retry(subject)?;
    let shard = headers
        .header(SHARD)
        .and_then(|s| s.parse().ok())
        .unwrap_or(Shard::Stable(0));
    Some(Route {
        lane,
        class,
        model,
        shard,
    })
}

fn unreadable(task: Task, what: String) -> Report {
    bare(task, ErrorKind::Malformed, what)
}

pub(super) fn bare(task: Task, kind: ErrorKind, error: String) -> Report {
    Report {
        task,
        kind,
        error,
        retry_after_ms: None,
        delivered: 0,
        worker: "coordinator".to_owned(),
        exec_ms: 0,
        history: Vec::new(),
    }
}

/// A subject whose tokens are no names: whatever it is, it is accepted, so it ends as a dead letter.
async fn stray(of: &Coordinator, delivery: &Delivery) -> Result<(), BuryError> {
    let route = nameless(Lane::Normal)?;
    let headers = delivery.original.headers();
    let (body, at) = (&delivery.original.body, delivery.stored_at);
    let read = read_report(&route, &headers, body, delivery.sequence, at);
    let task = match read {
        Ok(report) => report.task,
        Err(malformed) => salvage(
            &arrival(&route, &headers, delivery, Origin::Elsewhere),
            &malformed,
        ),
    };
    let (report, reason) = unroutable(task, format!("{}: names no task", delivery.subject));
    dead(&of.broker, &report, reason, &delivery.original, at).await?;
    of.metrics.dead_letter(&report.task.class, reason);
    Ok(())
}

/// The report of a task that no consumer covers.
pub(super) fn unroutable(task: Task, error: String) -> (Report, DeadReason) {
    (bare(task, ErrorKind::Permanent, error), DeadReason::Unroutable)
}
