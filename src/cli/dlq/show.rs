//! `dlq show`: everything a dead letter holds.

use serde_json::{Map, Value, json};

use crate::broker::shelf::{Kept, Shelf};
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::{one_line, table};
use crate::cli::session::Session;
use crate::task::TaskId;
use crate::wire::header::{CONTENT_TYPE, HISTORY};
use crate::wire::{HistoryEntry, body_value, to_rfc3339};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Which task
    task_id: TaskId,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let id = &args.task_id;
    let broker = session.connect().await?;
    let Some(letter) = broker.kept(Shelf::Dead, id).await? else {
        return Err(no_letter(id).into());
    };
    session.output.show(&as_json(&letter), |_| as_text(&letter))?;
    Ok(Exit::Ok)
}

/// What is said where there is none.
pub(super) fn no_letter(id: &TaskId) -> Stop {
    Stop::not_found(format!(
        "task {id} has no dead letter; see what is known of it with `fairlane task get {id}`"
    ))
}

fn history(letter: &Kept) -> Vec<HistoryEntry> {
    let read = letter.read.as_ref();
    read.map_or_else(
        |_| Vec::new(),
        |(report, _)| report.history_after(letter.stored_at),
    )
}

/// The body as a value; as text where it is none.
fn body(letter: &Kept) -> Value {
    let bytes = &letter.original.body;
    body_value(letter.original.header(CONTENT_TYPE), bytes)
        .unwrap_or_else(|| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

fn error(letter: &Kept) -> (&'static str, &'static str, &str) {
    match &letter.read {
        Ok((report, reason)) => (reason, report.kind.as_str(), &report.error),
        Err(malformed) => ("unreadable", "unreadable", &malformed.what),
    }
}

fn as_json(letter: &Kept) -> Value {
    let headers: Map<String, Value> = letter
        .headers()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let entry = |e: &HistoryEntry| {
        json!({"n": e.n, "hop": e.hop, "worker": e.worker, "start": to_rfc3339(e.start), "ms": e.ms,
            "kind": e.kind.as_str(), "error": e.error})
    };
    let (reason, kind, message) = error(letter);
    json!({
        "subject": letter.subject,
        "sequence": letter.sequence,
        "dead_at": to_rfc3339(letter.stored_at),
        "reason": reason,
        "error": {"kind": kind, "message": message},
        "headers": headers,
        "history": history(letter).iter().map(entry).collect::<Vec<_>>(),
        "body": body(letter),
    })
}

fn as_text(letter: &Kept) -> String {
    let (reason, kind, message) = error(letter);
    let mut text = format!(
        "{} (message {}), dead since {}\nreason: {reason}\nerror: {kind}: {}\n",
        letter.subject,
        letter.sequence,
        to_rfc3339(letter.stored_at),
        one_line(message),
    );
    // The history is a table of its own.
    let headers = letter.headers().into_iter().filter(|(name, _)| *name != HISTORY);
    let headers = headers.map(|(name, value)| [name.to_owned(), one_line(value)]);
    text.push_str(&format!("\n{}\n", table(["header", "value"], headers)));
    let history = history(letter);
    if !history.is_empty() {
        let rows = history.iter().map(|e| {
            let start = to_rfc3339(e.start);
            let error = format!("{}: {}", e.kind, e.error);
            [
                e.n.to_string(),
                e.hop.to_string(),
                one_line(&e.worker),
                start,
                format!("{} ms", e.ms),
                one_line(&error),
            ]
        });
        let header = ["n", "hop", "worker", "start", "ran", "error"];
        text.push_str(&format!("\n{}\n", table(header, rows)));
    }
    text.push_str(&format!("\n{:#}", body(letter)));
    text
}
