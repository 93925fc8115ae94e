//! `worker ls` and `worker get`.

use serde_json::{Value, json};

use crate::broker::Broker;
use crate::broker::registry::Registered;
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::{age, one_line, table};
use crate::cli::session::Session;
use crate::clock;
use crate::task::WorkerId;
use crate::wire::{PolicyMark, to_rfc3339};

/// The state of a worker that is not there any more.
const LOST: &str = "lost";

pub(super) async fn ls(session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let workers = broker.workers().await?;
    let shown = json!({"workers": workers.iter().map(as_json).collect::<Vec<_>>()});
    session.output.show(&shown, |_| as_table(&workers))?;
    Ok(Exit::Ok)
}

pub(super) async fn get(id: &WorkerId, session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let Some(worker) = broker.worker(id).await? else {
        return Err(unknown(&broker, id).await);
    };
    session.output.show(&as_json(&worker), |_| as_text(&worker))?;
    Ok(Exit::Ok)
}

/// That nobody of that name is there, with those who are.
pub(super) async fn unknown(broker: &Broker, id: &WorkerId) -> anyhow::Error {
    let workers = match broker.workers().await {
        Ok(workers) => workers,
        Err(error) => return error.into(),
    };
    let is_lost = workers
        .iter()
        .any(|worker| worker.beat.worker == *id && worker.is_lost());
    let there = workers.iter().filter(|worker| !worker.is_lost());
    let mut names: Vec<&str> = there.map(|worker| worker.beat.worker.as_str()).collect();
    names.sort_unstable();
    let there = match names.as_slice() {
        [] => "there is none".to_owned(),
        [..] => format!("those that are there: {}", names.join(", ")),
    };
    let what = if is_lost { "is lost" } else { "is not there" };
    Stop::not_found(format!("the worker {id} {what}; {there}")).into()
}

fn state(worker: &Registered) -> &'static str {
    if worker.is_lost() {
        LOST
    } else {
        worker.beat.state.as_str()
    }
}

fn as_json(worker: &Registered) -> Value {
    let beat = &worker.beat;
    json!({
        "worker": beat.worker.as_str(), "state": state(worker), "heard_ms_ago": worker.age.as_millis() as u64,
        "slots": beat.slots, "free": beat.free, "running": beat.running, "models": beat.models,
        "host": beat.host, "fairlane": beat.fairlane, "started_at": to_rfc3339(beat.started_at),
        "labels": beat.labels,
        "policy": {"version": beat.policy.version, "hash": beat.policy.hash, "refused": beat.policy.refused},
    })
}

fn as_table(workers: &[Registered]) -> String {
    let now = clock::wall();
    let rows = workers.iter().map(|worker| {
        let beat = &worker.beat;
        [
            beat.worker.to_string(),
            state(worker).to_owned(),
            format!("{} of {}", beat.running, beat.slots),
            beat.free.to_string(),
            one_line(&beat.models.join(", ")),
            one_line(&beat.host),
            one_line(&beat.fairlane),
            policy(&beat.policy),
            age(now.since(beat.started_at)),
        ]
    });
    table(
        [
            "worker", "state", "runs", "free", "models", "host", "version", "policy", "up",
        ],
        rows,
    )
}

fn as_text(worker: &Registered) -> String {
    let beat = &worker.beat;
    let lines = [
        ("worker", beat.worker.to_string()),
        ("state", state(worker).to_owned()),
        ("heard", format!("{} ms ago", worker.age.as_millis())),
        ("runs", format!("{} of {} slots", beat.running, beat.slots)),
        ("free", beat.free.to_string()),
        ("models", one_line(&beat.models.join(", "))),
        ("host", one_line(&beat.host)),
        ("version", one_line(&beat.fairlane)),
        ("policy", policy(&beat.policy)),
        ("started", to_rfc3339(beat.started_at)),
    ];
    lines.map(|(name, value)| format!("{name:<8} {value}")).join("\n")
}

/// What a process acts on: the number of a stored policy, else what tells apart what it was started with.
fn policy(mark: &PolicyMark) -> String {
    let acts_on = match mark.version {
        0 => format!("its own, {}", one_line(&mark.hash)),
        version => version.to_string(),
    };
    match mark.refused {
        Some(refused) => format!("{acts_on} (cannot act on {refused})"),
        None => acts_on,
    }
}
