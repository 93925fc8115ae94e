//! Messages whose headers no client can read.
//!
//! Whoever such a message is delivered to loses its connection and cannot answer, so it would be
//! delivered to one after the other. The sweep finds it once it has come back, reads it in the one
//! way that is safe, and makes it a dead letter without its headers, or drops it where there is no task.

use crate::broker::RequestError;
use crate::broker::raw::Raw;
use crate::broker::subject::{parse_retry, parse_task};
use crate::broker::sweep::Consumed;
use crate::metrics::{CallbackOutcome, UncoveredAction};
use crate::task::{DeadReason, ErrorKind, Lane, Route, Shard, Task};
use crate::wire::{Arrival, Origin, ReadHeaders, read_facts, read_report, salvage};

use super::Coordinator;
use super::bury::{BuryError, dead};
use super::judge::bare;
use super::nameless::nameless;

/// Takes every such message out of a stream: a task becomes a dead letter, the wish for a callback is
/// dropped, since nothing says where to.
pub(super) async fn bury(of: &Coordinator, stream: Consumed) -> Result<(), BuryError> {
    for message in of.broker.unreadable(stream).await? {
        let what = message.unreadable.clone().unwrap_or_default();
        let task = match stream {
            Consumed::Lane(lane) => queued(lane, &message)?,
            Consumed::Retry => reported(&message)?,
            Consumed::Callbacks => {
                told(&message, &what, "a message that ends connections is dropped");
                of.broker.remove(stream, message.sequence).await?;
                of.metrics.callback(CallbackOutcome::Unreadable);
                continue;
            }
        };
        told(
            &message,
            &what,
            "a message that ends connections becomes a dead letter",
        );
        let report = bare(task, ErrorKind::Malformed, what);
        let (reason, at) = (DeadReason::Malformed, message.stored_at);
        dead(&of.broker, &report, reason, &message.original, at).await?;
        of.broker.remove(stream, message.sequence).await?;
        of.metrics.dead_letter(&report.task.class, reason);
        of.metrics.uncovered(UncoveredAction::DeadLettered, 1);
    }
    Ok(())
}

fn told(message: &Raw, what: &str, becomes: &str) {
    tracing::warn!(nats.subject = %message.subject, nats.sequence = message.sequence, what, "{becomes}");
}

/// A task on its lane, as subject and body tell it; there are no headers.
fn queued(lane: Lane, message: &Raw) -> Result<Task, RequestError> {
    let route = match parse_task(&message.subject) {
        Some(route) => route,
        None => nameless(lane)?,
    };
    let headers = message.original.headers();
    let arrival = arrival(&route, &headers, message, Origin::Lane);
    Ok(read_facts(&arrival).unwrap_or_else(|malformed| salvage(&arrival, &malformed)))
}

/// The task of a report, likewise.
fn reported(message: &Raw) -> Result<Task, RequestError> {
    let route = match parse_retry(&message.subject) {
        Some((lane, class, model)) => Route {
            lane,
            class,
            model,
            shard: Shard::Stable(0),
        },
        None => nameless(Lane::Normal)?,
    };
    let headers = message.original.headers();
    let (body, sequence, stored_at) = (&message.original.body, message.sequence, message.stored_at);
    let read = read_report(&route, &headers, body, sequence, stored_at).map(|report| report.task);
    let arrival = arrival(&route, &headers, message, Origin::Elsewhere);
    Ok(read.unwrap_or_else(|malformed| salvage(&arrival, &malformed)))
}

fn arrival<'a>(
    route: &'a Route,
    headers: &'a dyn ReadHeaders,
    of: &'a Raw,
    origin: fn(u64) -> Origin,
) -> Arrival<'a> {
    Arrival {
        route,
        headers,
        body: &of.original.body,
        origin: origin(of.sequence),
        stored_at: of.stored_at,
    }
}
