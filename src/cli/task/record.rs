//! How a task's terminal record is shown.

use serde_json::{Value, json};

use crate::broker::fetch::Stored;
use crate::cli::exit::Exit;
use crate::cli::output::{one_line, table};
use crate::task::State;
use crate::wire::{ResultRecord, to_rfc3339};

/// All but the answer.
pub(super) fn facts(found: &Stored<ResultRecord>) -> Value {
    let r = &found.record;
    json!({
        "task_id": r.task_id.as_str(),
        "state": r.state.as_str(),
        "class": r.class.as_str(),
        "tenant": r.tenant.as_str(),
        "attempt": r.attempt,
        "hop": r.hop,
        "worker": r.worker,
        "queued_ms": r.queued_ms,
        "exec_ms": r.exec_ms,
        "error": r.error,
        "ended_at": to_rfc3339(found.stored_at),
    })
}

/// With the answer.
pub(super) fn whole(found: &Stored<ResultRecord>) -> Value {
    let mut whole = facts(found);
    whole["output"] = found.record.output.clone();
    whole["usage"] = found.record.usage.clone();
    whole
}

/// For people.
pub(super) fn text(found: &Stored<ResultRecord>) -> String {
    let r = &found.record;
    let mut rows = vec![
        ["task id", r.task_id.as_str()].map(str::to_owned),
        ["state", r.state.as_str()].map(str::to_owned),
        ["class", r.class.as_str()].map(str::to_owned),
        ["tenant", r.tenant.as_str()].map(str::to_owned),
        ["failed attempts".to_owned(), r.attempt.to_string()],
        ["hop".to_owned(), r.hop.to_string()],
        ["worker".to_owned(), one_line(&r.worker)],
        ["queued".to_owned(), format!("{} ms", r.queued_ms)],
        ["executed".to_owned(), format!("{} ms", r.exec_ms)],
        ["ended".to_owned(), to_rfc3339(found.stored_at)],
    ];
    if let Some(error) = &r.error {
        rows.push([
            "error".to_owned(),
            one_line(&format!("{}: {}", error.kind, error.message)),
        ]);
    }
    if r.state == State::Dead {
        rows.push(["more".to_owned(), format!("fairlane dlq show {}", r.task_id)]);
    }
    table(["field", "value"], rows)
}

/// Scripts that wait for a task want to know whether it has an answer.
pub(super) fn exit(found: &Stored<ResultRecord>) -> Exit {
    match found.record.state {
        State::Completed => Exit::Ok,
        _ => Exit::Error,
    }
}
