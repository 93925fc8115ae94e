//! `queue ls`: one line per queue.

use serde_json::{Value, json};

use crate::broker::queues::{Paused, Queue};
use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::policy::{Level, Outlook, Pause, Standing};
use crate::task::Lane;
use crate::wire::{OverloadNote, to_rfc3339};

pub(super) async fn run(session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let mut queues = Vec::new();
    for lane in Lane::ALL {
        queues.extend(broker.queues(lane).await?);
    }
    let pauses = broker.pauses().await?;
    let load = broker.overload().await?.note;
    let shown = json!({
        "queues": queues.iter().map(queue_json).collect::<Vec<_>>(),
        "pauses": pauses.iter().map(pause_json).collect::<Vec<_>>(),
        "overload": load.as_ref().map(load_json),
    });
    session.output.show(&shown, |_| {
        format!(
            "{}{}",
            as_text(&queues, &pauses),
            load.as_ref().map(load_text).unwrap_or_default()
        )
    })?;
    Ok(Exit::Ok)
}

fn queue_json(queue: &Queue) -> Value {
    let route = &queue.route;
    json!({
        "lane": route.lane.as_str(), "class": route.class.as_str(), "model": route.model.as_str(),
        "shard": route.shard.to_string(), "waiting": queue.waiting, "out": queue.out,
        "limit": queue.limit, "paused": queue.is_paused,
    })
}

fn pause_json(paused: &Paused) -> Value {
    let Pause { lane, class } = &paused.pause;
    json!({
        "lane": lane.map(Lane::as_str),
        "class": class.as_ref().map(crate::task::ClassName::as_str),
        "since": to_rfc3339(paused.since),
    })
}

fn load_json(note: &OverloadNote) -> Value {
    let lane = |lane: &Outlook| json!({ "waiting": lane.backlog, "drain_per_s": lane.drain_per_s });
    let Standing { level, cause, since } = note.standing;
    json!({
        "level": level.number(), "cause": cause.as_str(), "since": to_rfc3339(since), "at": to_rfc3339(note.at),
        "core": lane(&note.core), "normal": lane(&note.normal), "archived": note.archived,
        "retry_full": note.is_retry_full,
    })
}

/// One line, where there is anything to say.
fn load_text(note: &OverloadNote) -> String {
    let Standing { level, cause, since } = note.standing;
    if level == Level::Calm {
        return String::new();
    }
    format!(
        "\n\nOverload: level {level} ({cause}) since {}, {} tasks put aside; docs/operating.md says what that means.",
        to_rfc3339(since),
        note.archived
    )
}

fn as_text(queues: &[Queue], pauses: &[Paused]) -> String {
    let rows = queues.iter().map(|queue| {
        let route = &queue.route;
        let since = pauses.iter().find(|paused| paused.pause.covers(route));
        let paused = match since {
            Some(paused) => format!("since {}", to_rfc3339(paused.since)),
            None if queue.is_paused => "by somebody else".to_owned(),
            None => String::new(),
        };
        [
            route.lane.to_string(),
            route.class.to_string(),
            route.model.to_string(),
            route.shard.to_string(),
            queue.waiting.to_string(),
            format!("{} of {}", queue.out, queue.limit),
            paused,
        ]
    });
    table(
        ["lane", "class", "model", "shard", "waiting", "out", "paused"],
        rows,
    )
}
