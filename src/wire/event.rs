//! What befell a task that did not simply succeed. A view for people: nothing is decided by it.

use serde::{Deserialize, Serialize};

use super::limit::ERROR_BYTES;
use super::text;
use crate::task::{EpochMs, EventKind, Lane, Task};

/// One thing that befell a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskEvent {
    /// What.
    pub kind: EventKind,
    /// The lane it was on.
    pub lane: Lane,
    /// Executions that had failed.
    pub attempt: u32,
    /// The hop it was on.
    pub hop: u32,
    /// When it goes on, where it waits for that.
    pub due: Option<EpochMs>,
    /// Why, in the words of whoever did it; at most 512 bytes travel.
    pub detail: String,
}

impl TaskEvent {
    /// What befell `task` as it is.
    #[must_use]
    pub fn of(task: &Task, kind: EventKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            lane: task.lane,
            attempt: task.attempt,
            hop: task.hop,
            due: None,
            detail: detail.into(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    kind: String,
    lane: String,
    attempt: u32,
    hop: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<i64>,
    #[serde(default)]
    detail: String,
}

/// The event's body, as JSON.
#[must_use]
pub fn event_body(event: &TaskEvent) -> Vec<u8> {
    let written = Written {
        version: 1,
        kind: event.kind.to_string(),
        lane: event.lane.to_string(),
        attempt: event.attempt,
        hop: event.hop,
        due: event.due.map(|at| at.0),
        detail: text::cut(&event.detail, ERROR_BYTES).to_owned(),
    };
    serde_json::to_vec(&written).unwrap_or_else(|error| unreachable!("texts and numbers: {error}"))
}

/// Reads an event. None for one of a kind that this version does not know, and for what is no event: a view
/// leaves out what it cannot show.
#[must_use]
pub fn read_event(body: &[u8]) -> Option<TaskEvent> {
    let read: Written = serde_json::from_slice(body).ok()?;
    Some(TaskEvent {
        kind: read.kind.parse().ok()?,
        lane: read.lane.parse().ok()?,
        attempt: read.attempt,
        hop: read.hop,
        due: read.due.map(EpochMs),
        detail: text::cut(&read.detail, ERROR_BYTES).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::sample;

    #[test]
    fn an_event_reads_back_and_what_is_none_is_left_out() {
        let task = sample::report().task;
        let mut event = TaskEvent::of(&task, EventKind::Retry, "rate_limited: wait");
        event.due = Some(EpochMs(5));
        assert_eq!(read_event(&event_body(&event)), Some(event));
        for body in [
            "",
            "{}",
            r#"{"version":1,"kind":"sang","lane":"core","attempt":0,"hop":0}"#,
        ] {
            assert_eq!(read_event(body.as_bytes()), None, "{body}");
        }
    }
}
