//! Timers that the server has not fired: their time is long past, or they name none.

use super::repaired::repaired;
use crate::broker::WriteError;
use crate::broker::audit::Timer;
use crate::broker::subject::{callback_due, parse_retry};
use crate::broker::sweep::Consumed;
use crate::clock;
use crate::coordinator::Coordinator;
use crate::coordinator::bury::dead;
use crate::coordinator::judge::bare;
use crate::coordinator::nameless::nameless;
use crate::metrics::Repair;
use crate::task::{DeadReason, ErrorKind, Lane, Route, Shard, Task};
use crate::wire::{Arrival, Origin, read_facts, salvage};

/// Pages of one sweep, for each stream.
const PAGES_MAX: usize = 2;

/// Where the next sweep goes on.
#[derive(Default)]
pub(super) struct Timers {
    retries: u64,
    callbacks: u64,
}

impl Timers {
    /// Fires what is late, a part of all timers at a time.
    pub(super) async fn look(&mut self, of: &Coordinator) -> Result<(), WriteError> {
        self.retries = some(of, Consumed::Retry, self.retries).await?;
        self.callbacks = some(of, Consumed::Callbacks, self.callbacks).await?;
        Ok(())
    }
}

async fn some(of: &Coordinator, stream: Consumed, from: u64) -> Result<u64, WriteError> {
    let mut from = from.max(1);
    for _ in 0..PAGES_MAX {
        let page = of.broker.timers(stream, from).await?;
        for timer in &page.found {
            if timer.is_late(clock::wall(), of.audit_grace_ms) {
                put_right(of, timer).await?;
            }
        }
        match page.next {
            Some(next) => from = next,
            // From the start again.
            None => return Ok(1),
        }
    }
    Ok(from)
}

async fn put_right(of: &Coordinator, timer: &Timer) -> Result<(), WriteError> {
    let task = task(timer)?;
    let target = match timer.of {
        Consumed::Callbacks => Some(callback_due(&timer.id)),
        Consumed::Lane(_) | Consumed::Retry => timer
            .target
            .clone()
            .filter(|target| parse_retry(target).is_some()),
    };
    let what = match target {
        Some(target) => {
            of.broker.fire(timer, &target).await?;
            "its timer was not fired in time, and was fired by hand".to_owned()
        }
        None => {
            let what = "it waits for a time that its message does not name".to_owned();
            let report = bare(task.clone(), ErrorKind::Malformed, what.clone());
            let (reason, message) = (DeadReason::Malformed, &timer.message);
            dead(&of.broker, &report, reason, &message.original, message.stored_at).await?;
            of.broker.remove(timer.of, message.sequence).await?;
            of.metrics.dead_letter(&task.class, reason);
            what
        }
    };
    repaired(of, Repair::Overdue, &task, &what).await;
    Ok(())
}

/// The task of a timer, as far as it can be read.
fn task(timer: &Timer) -> Result<Task, WriteError> {
    let named = timer.target.as_deref().and_then(parse_retry);
    let route = match named {
        Some((lane, class, model)) => Route {
            lane,
            class,
            model,
            shard: Shard::Stable(0),
        },
        None => nameless(Lane::Normal)?,
    };
    let headers = timer.message.original.headers();
    let arrival = Arrival {
        route: &route,
        headers: &headers,
        body: &timer.message.original.body,
        origin: Origin::Elsewhere(timer.message.sequence),
        stored_at: timer.message.stored_at,
    };
    let task = read_facts(&arrival).unwrap_or_else(|malformed| salvage(&arrival, &malformed));
    let id = timer.id.clone();
    Ok(Task { id, ..task })
}
