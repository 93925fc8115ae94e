//! `queue ls`: one line per queue.

use serde_json::{Value, json};

use crate::broker::queues::{Paused, Queue};
use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::policy::Pause;
use crate::task::Lane;
use crate::wire::to_rfc3339;

pub(super) async fn run(session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let mut queues = Vec::new();
    for lane in Lane::ALL {
        queues.extend(broker.queues(lane).await?);
    }
    let pauses = broker.pauses().await?;
    let shown = json!({
        "queues": queues.iter().map(queue_json).collect::<Vec<_>>(),
        "pauses": pauses.iter().map(pause_json).collect::<Vec<_>>(),
    });
    session.output.show(&shown, |_| as_text(&queues, &pauses))?;
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
