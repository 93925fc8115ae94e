//! Messages whose headers no client can read.
//!
//! Whoever such a message is delivered to loses its connection and cannot answer, so it would be
//! delivered to one after the other. The sweep finds it once it has come back, reads it in the one
//! way that is safe, and makes it a dead letter without its headers.

use crate::broker::raw::Raw;
use crate::broker::subject::{parse_retry, parse_task};
use crate::broker::sweep::Consumed;
use crate::broker::{RequestError, WriteError};
use crate::metrics::{CallbackOutcome, Repair, UncoveredAction};
use crate::task::{DeadReason, ErrorKind, Lane, Route, Shard, Task};
use crate::wire::{Arrival, Origin, read_facts, read_report, salvage};

use super::repaired::repaired;
use crate::coordinator::Coordinator;
use crate::coordinator::bury::dead;
use crate::coordinator::judge::bare;
use crate::coordinator::nameless::nameless;

/// Makes every such message of a stream a dead letter.
pub(super) async fn bury(of: &Coordinator, stream: Consumed) -> Result<(), WriteError> {
    for message in of.broker.unreadable(stream).await? {
        let what = message.unreadable.clone().unwrap_or_default();
        tracing::warn!(
            nats.subject = %message.subject,
            nats.sequence = message.sequence,
            what,
            ?stream,
            "a message that ends connections is taken out; a task becomes a dead letter"
        );
        if stream == Consumed::Callbacks {
            // It is no task, and its headers alone say where to: nothing can be done for it.
            of.broker.remove(stream, message.sequence).await?;
            of.metrics.callback(CallbackOutcome::Refused);
            continue;
        }
        let report = bare(identify(stream, &message)?, ErrorKind::Malformed, what);
        let (reason, at) = (DeadReason::Malformed, message.stored_at);
        dead(&of.broker, &report, reason, &message.original, at).await?;
        of.broker.remove(stream, message.sequence).await?;
        of.metrics.dead_letter(&report.task.class, reason);
        of.metrics.uncovered(UncoveredAction::DeadLettered, 1);
        repaired(of, Repair::Unreadable, &report.task, &report.error).await;
    }
    Ok(())
}

/// The task as subject and body tell it; there are no headers.
fn identify(stream: Consumed, message: &Raw) -> Result<Task, RequestError> {
    let named = match stream {
        Consumed::Lane(_) => parse_task(&message.subject),
        Consumed::Callbacks => None,
        Consumed::Retry => parse_retry(&message.subject).map(|(lane, class, model)| Route {
            lane,
            class,
            model,
            shard: Shard::Stable(0),
        }),
    };
    let route = match (named, stream) {
        (Some(route), _) => route,
        (None, Consumed::Lane(lane)) => nameless(lane)?,
        (None, Consumed::Retry | Consumed::Callbacks) => nameless(Lane::Normal)?,
    };
    let headers = message.original.headers();
    let (body, sequence, stored_at) = (&message.original.body, message.sequence, message.stored_at);
    let arrival = Arrival {
        route: &route,
        headers: &headers,
        body,
        origin: match stream {
            Consumed::Lane(_) => Origin::Lane(sequence),
            Consumed::Retry | Consumed::Callbacks => Origin::Elsewhere(sequence),
        },
        stored_at,
    };
    let read = match stream {
        Consumed::Lane(_) | Consumed::Callbacks => read_facts(&arrival),
        Consumed::Retry => read_report(&route, &headers, body, sequence, stored_at).map(|report| report.task),
    };
    Ok(read.unwrap_or_else(|malformed| salvage(&arrival, &malformed)))
}
