//! One message of `FL_RETRY`, judged and answered: what follows is published before the ack.

use std::time::Duration;

use crate::broker::WriteError;
use crate::broker::delivery::{Delivery, arrival};
use crate::broker::publish::PublishError;
use crate::broker::subject::parse_retry;
use crate::clock;
use crate::failpoint;
use crate::policy::is_expired;
use crate::task::{DeadReason, ErrorKind, Lane, Route, Shard, Task};
use crate::wire::header::SHARD;
use crate::wire::{Origin, ReadHeaders, Report, read_facts, read_history, read_report, salvage};

use super::Coordinator;
use super::bury::dead;
use super::carry_out::Judged;
use super::nameless::nameless;

/// Pause before a lane that was full is tried again, in ms; doubles with every hop.
const FULL_PAUSE_MS: u64 = 1000;
/// The longest such pause, in ms.
const FULL_PAUSE_MS_MAX: u64 = 60_000;

/// A timer that fires by no more than this too early, in ms, is waited out. Beyond that clocks differ.
const EARLY_MS_MAX: u64 = 2_000;

/// Decides on a failure report and publishes what follows.
pub(super) async fn report(of: &Coordinator, delivery: &Delivery) -> Result<(), WriteError> {
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
    judged(&report, delivery).carry_out(of).await
}

/// Publishes a task whose time has come to its lane.
pub(super) async fn due(of: &Coordinator, delivery: &Delivery) -> Result<(), WriteError> {
    let headers = delivery.original.headers();
    let Some(route) = route(&delivery.subject, &headers) else {
        return stray(of, delivery).await;
    };
    let arrival = arrival(&route, &headers, delivery, Origin::Elsewhere);
    let task = match read_facts(&arrival) {
        Ok(task) => task,
        Err(malformed) => {
            let report = unreadable(salvage(&arrival, &malformed), malformed.what);
            return judged(&report, delivery).carry_out(of).await;
        }
    };
    let history = read_history(&headers);
    if is_expired(&task, delivery.stored_at) {
        let report = bare(
            task,
            ErrorKind::Yielded,
            "its deadline passed while it waited for its time".to_owned(),
        );
        return judged(&report, delivery).carry_out(of).await;
    }
    // A timer was seen to fire most of a second early. What was enqueued by its timer was so for the time it starts at.
    let early_ms = task.enqueued_at.since(clock::wall());
    if task.hop == 0 && (1..=EARLY_MS_MAX).contains(&early_ms) {
        tokio::time::sleep(Duration::from_millis(early_ms)).await;
    }
    // Its timer was the first publication of a task that starts later. As a further hop it is checked against its fence
    // by whoever takes it, so one that was cancelled meanwhile is not executed.
    let next = Task {
        hop: task.hop.max(1),
        ..task.clone()
    };
    match of.broker.publish_hop(&next, &delivery.original, &history).await {
        Ok(_) => {
            failpoint::hit("coordinator.after_due");
            Ok(())
        }
        Err(PublishError::Full { .. }) => {
            // Not an execution: it costs a hop and no attempt.
            let pause = full_pause_ms(task.hop);
            let error = format!("the lane {} is full", task.lane);
            let mut report = bare(task, ErrorKind::Yielded, error);
            report.retry_after_ms = Some(pause);
            report.history = history;
            judged(&report, delivery).carry_out(of).await
        }
        // It has grown on its way, or carries headers of others: it can never travel again.
        Err(PublishError::TooLarge { .. }) => {
            let error = "it does not fit into a message any more".to_owned();
            let report = bare(task, ErrorKind::Permanent, error);
            judged(&report, delivery).carry_out(of).await
        }
        Err(error) => Err(error.into()),
    }
}

/// How long a task waits whose lane was full, in ms.
pub(super) fn full_pause_ms(hop: u32) -> u64 {
    let grown = FULL_PAUSE_MS.saturating_mul(1 << hop.min(16));
    grown.min(FULL_PAUSE_MS_MAX)
}

fn judged<'a>(report: &'a Report, delivery: &'a Delivery) -> Judged<'a> {
    Judged {
        report,
        original: &delivery.original,
        at: delivery.stored_at,
    }
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
async fn stray(of: &Coordinator, delivery: &Delivery) -> Result<(), WriteError> {
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
