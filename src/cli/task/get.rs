//! `task get`: what is known of a task, from the most binding record down.

use serde_json::{Value, json};

use super::{ls, record};
use crate::broker::blocking::Aside;
use crate::broker::fetch::Stored;
use crate::broker::listing::Listed;
use crate::broker::shelf::{Kept, Shelf};
use crate::broker::waiting::Waiting;
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::{one_line, table};
use crate::cli::session::Session;
use crate::gateway::timeline_line;
use crate::task::{BlockedOn, State, TaskId};
use crate::wire::{TaskEvent, to_rfc3339};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Which task
    task_id: TaskId,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let id = &args.task_id;
    let broker = session.connect().await?;
    let (mut shown, mut text) = if let Some(found) = broker.result(id).await? {
        (record::facts(&found), record::text(&found))
    } else if let Some(letter) = broker.kept(Shelf::Dead, id).await? {
        (
            aside_json(id, &letter, State::Dead, "ended_at"),
            aside_text(id, &letter, State::Dead, "fairlane dlq show"),
        )
    } else if let Some(waiting) = broker.waiting(id).await? {
        (waiting_json(&waiting), waiting_text(&waiting))
    } else if let Some(aside) = broker.aside(id).await? {
        (blocked_json(&aside), blocked_text(&aside))
    } else if let Some(parked) = broker.kept(Shelf::Archive, id).await? {
        (
            aside_json(id, &parked, State::Archived, "parked_at"),
            aside_text(id, &parked, State::Archived, "fairlane archive replay"),
        )
    } else if let Some(listed) = ls::look_for(&broker, id).await? {
        (ls::as_json(&listed), listed_text(&listed))
    } else {
        return Err(nowhere(id).into());
    };
    let events = broker.events(id).await?;
    shown["timeline"] = Value::from(events.iter().map(timeline_line).collect::<Vec<_>>());
    if !events.is_empty() {
        text.push_str(&format!("\n\n{}", timeline(&events)));
    }
    session.output.show(&shown, |_| text)?;
    Ok(Exit::Ok)
}

/// What is said of a task that nothing is known of.
pub(super) fn nowhere(id: &TaskId) -> Stop {
    Stop::not_found(format!(
        "task {id} is nowhere: it was never accepted, or what is left of it has aged out; \
         `fairlane task ls` lists those there are"
    ))
}

/// A task on its lane, or failed and not judged yet.
fn listed_text(task: &Listed) -> String {
    table(
        ["field", "value"],
        [
            ["task id".to_owned(), task.id.to_string()],
            ["state".to_owned(), task.state.to_string()],
            ["since".to_owned(), to_rfc3339(task.since)],
            [
                "lane".to_owned(),
                task.lane.map(|lane| lane.to_string()).unwrap_or_default(),
            ],
            [
                "class".to_owned(),
                task.class.as_ref().map(ToString::to_string).unwrap_or_default(),
            ],
            ["failed attempts".to_owned(), task.attempt.to_string()],
            ["hop".to_owned(), task.hop.to_string()],
        ],
    )
}

fn timeline(events: &[Stored<TaskEvent>]) -> String {
    let rows = events.iter().map(|of| {
        let event = &of.record;
        [
            to_rfc3339(of.stored_at),
            event.kind.to_string(),
            event.lane.to_string(),
            format!("{}/{}", event.attempt, event.hop),
            one_line(&event.detail),
        ]
    });
    table(["at", "event", "lane", "attempt/hop", "why"], rows)
}

/// A task that lies aside: parked, or dead with its record gone already.
fn aside_json(id: &TaskId, kept: &Kept, state: State, since: &str) -> Value {
    let read = kept.read.as_ref().ok();
    let mut shown = json!({
        "task_id": id.as_str(),
        "state": state.as_str(),
        "reason": read.map(|(_, reason)| *reason),
        "error": read.map(|(report, _)| json!({"kind": report.kind.as_str(), "message": report.error})),
    });
    shown[since] = Value::from(to_rfc3339(kept.stored_at));
    shown
}

fn aside_text(id: &TaskId, kept: &Kept, state: State, more: &str) -> String {
    let reason = kept.read.as_ref().map_or("unreadable", |(_, reason)| reason);
    table(
        ["field", "value"],
        [
            ["task id".to_owned(), id.to_string()],
            ["state".to_owned(), state.to_string()],
            ["reason".to_owned(), reason.to_owned()],
            ["since".to_owned(), to_rfc3339(kept.stored_at)],
            ["more".to_owned(), format!("{more} {id}")],
        ],
    )
}

fn blocked_json(aside: &Aside) -> Value {
    let task = &aside.blocked.task;
    let mut shown = json!({
        "task_id": task.id.as_str(),
        "state": State::Blocked.as_str(),
        "lane": task.lane.as_str(),
        "class": task.class.as_str(),
        "tenant": task.tenant.as_str(),
        "attempt": task.attempt,
        "hop": task.hop,
        "since": to_rfc3339(aside.stored_at),
    });
    match aside.blocked.on {
        BlockedOn::Dependencies => {
            let ids: Vec<&str> = task.facts.depends_on.iter().map(TaskId::as_str).collect();
            shown["depends_on"] = Value::from(ids);
        }
        BlockedOn::Key => shown["waits_for_key"] = Value::from(task.facts.concurrency_key.clone()),
    }
    shown
}

fn blocked_text(aside: &Aside) -> String {
    let task = &aside.blocked.task;
    let ids: Vec<&str> = task.facts.depends_on.iter().map(TaskId::as_str).collect();
    let (what, on) = match aside.blocked.on {
        BlockedOn::Dependencies => ("depends on", ids.join(", ")),
        BlockedOn::Key => (
            "waits for key",
            task.facts.concurrency_key.clone().unwrap_or_default(),
        ),
    };
    table(
        ["field", "value"],
        [
            ["task id".to_owned(), task.id.to_string()],
            ["state".to_owned(), State::Blocked.to_string()],
            ["since".to_owned(), to_rfc3339(aside.stored_at)],
            [what.to_owned(), one_line(&on)],
            ["lane".to_owned(), task.lane.to_string()],
            ["class".to_owned(), task.class.to_string()],
            ["hop".to_owned(), task.hop.to_string()],
        ],
    )
}

fn waiting_json(waiting: &Waiting) -> Value {
    let task = &waiting.task;
    let last = waiting.history.last();
    json!({
        "task_id": task.id.as_str(),
        "state": waiting.state().as_str(),
        "lane": task.lane.as_str(),
        "class": task.class.as_str(),
        "tenant": task.tenant.as_str(),
        "attempt": task.attempt,
        "hop": task.hop,
        "due": to_rfc3339(waiting.due),
        "error": last.map(|e| json!({"kind": e.kind.as_str(), "message": e.error})),
    })
}

fn waiting_text(waiting: &Waiting) -> String {
    let task = &waiting.task;
    let last = waiting.history.last();
    let error = last.map(|e| one_line(&format!("{}: {}", e.kind, e.error)));
    table(
        ["field", "value"],
        [
            ["task id".to_owned(), task.id.to_string()],
            ["state".to_owned(), waiting.state().to_string()],
            ["due".to_owned(), to_rfc3339(waiting.due)],
            ["lane".to_owned(), task.lane.to_string()],
            ["class".to_owned(), task.class.to_string()],
            ["failed attempts".to_owned(), task.attempt.to_string()],
            ["hop".to_owned(), task.hop.to_string()],
            ["last error".to_owned(), error.unwrap_or_default()],
        ],
    )
}
