//! `task cancel`: ends a task that has not ended, however it came in.

use serde_json::{Value, json};

use super::get::nowhere;
use super::ls;
use crate::broker::publish::Fenced;
use crate::broker::shelf::{Kept, Shelf};
use crate::broker::sweep::Consumed;
use crate::broker::{Broker, RequestError, WriteError};
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::clock;
use crate::task::{ErrorKind, EventKind, Lane, State, Task, TaskId};
use crate::wire::{ResultError, ResultRecord, TaskEvent};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Which task
    task_id: TaskId,
}

/// A task that has not ended, and what there is of it.
struct Open {
    task: Task,
    /// Its message on a lane.
    on_lane: Option<(Lane, u64)>,
    /// Its place in the archive.
    parked: Option<Kept>,
    /// Its message where it waits for others.
    aside: Option<u64>,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let id = &args.task_id;
    let broker = session.connect().await?;
    let state = match find(&broker, id).await? {
        Some(open) => cancel(&broker, &open).await?,
        None => broker.fence(id).await?.map(|found| found.record.state),
    };
    match state {
        Some(State::Cancelled) => (),
        Some(state) => {
            return Err(Stop::refused(format!(
                "task {id} has ended as {state}; it cannot be cancelled any more"
            ))
            .into());
        }
        None => return Err(nowhere(id).into()),
    }
    let shown = json!({"task_id": id.as_str(), "state": State::Cancelled.as_str()});
    session.output.show(&shown, |_| {
        table(
            ["field", "value"],
            [
                ["task id".to_owned(), id.to_string()],
                ["state".to_owned(), State::Cancelled.to_string()],
            ],
        )
    })?;
    Ok(Exit::Ok)
}

async fn find(broker: &Broker, id: &TaskId) -> Result<Option<Open>, RequestError> {
    if let Some(waiting) = broker.waiting(id).await? {
        return Ok(Some(Open {
            task: waiting.task,
            on_lane: None,
            parked: None,
            aside: None,
        }));
    }
    if let Some(aside) = broker.aside(id).await? {
        return Ok(Some(Open {
            task: aside.blocked.task,
            on_lane: None,
            parked: None,
            aside: Some(aside.sequence),
        }));
    }
    if let Some(kept) = broker.kept(Shelf::Archive, id).await?
        && let Ok((report, _)) = &kept.read
    {
        return Ok(Some(Open {
            task: report.task.clone(),
            on_lane: None,
            parked: Some(kept),
            aside: None,
        }));
    }
    let listed = ls::look_for(broker, id).await?;
    Ok(listed.and_then(|listed| {
        Some(Open {
            on_lane: listed.at.place.lane().map(|lane| (lane, listed.at.sequence)),
            task: listed.task?,
            parked: None,
            aside: None,
        })
    }))
}

/// Its record first, then whoever runs it, then what is left of it. The state that stands then.
async fn cancel(broker: &Broker, open: &Open) -> Result<Option<State>, WriteError> {
    let task = &open.task;
    if let Fenced::Refused = broker.publish_result(&record(task), task.fence).await? {
        let standing = broker.fence(&task.id).await?.map(|found| found.record.state);
        if standing != Some(State::Cancelled) {
            return Ok(standing);
        }
    }
    if let Some(url) = &task.facts.callback {
        broker.publish_callback(&task.id, task.hop, url).await?;
    }
    broker.publish_cancel(&task.id).await?;
    broker.forget_retry(&task.id).await?;
    if let Some((lane, sequence)) = open.on_lane {
        broker.remove(Consumed::Lane(lane), sequence).await?;
    }
    if let Some(kept) = &open.parked {
        // Its record stands, so this only takes it away.
        broker.throw_away(Shelf::Archive, kept).await?;
    }
    if let Some(sequence) = open.aside {
        broker.release(sequence).await?;
    }
    let event = TaskEvent::of(task, EventKind::Cancel, "cancelled by hand");
    broker.tell_surely(&task.class, &task.id, &event).await?;
    Ok(Some(State::Cancelled))
}

fn record(task: &Task) -> ResultRecord {
    ResultRecord {
        policy: None,
        task_id: task.id.clone(),
        state: State::Cancelled,
        hop: task.hop,
        attempt: task.attempt,
        class: task.class.clone(),
        tenant: task.tenant.clone(),
        worker: "fairlane-cli".to_owned(),
        queued_ms: clock::wall().since(task.enqueued_at),
        exec_ms: 0,
        output: Value::Null,
        usage: json!({}),
        error: Some(ResultError {
            kind: ErrorKind::Cancelled.to_string(),
            message: "cancelled by hand".to_owned(),
        }),
    }
}
