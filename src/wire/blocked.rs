//! A task that waits aside before it is queued: for other tasks, or for its key.

use super::dead::{required, route};
use super::header::{self, Headers, ReadHeaders};
use super::publication::identity;
use super::{Arrival, HistoryEntry, Malformed, Origin, put_history, read_facts, read_history, task_headers};
use crate::task::{BlockedOn, EpochMs, Lane, Task, TaskId};

/// A task that waits. The body beside it is the task's, byte for byte.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocked {
    /// The task as it was before it waited; it is queued with the next hop.
    pub task: Task,
    /// Its failures so far, oldest first.
    pub history: Vec<HistoryEntry>,
    /// What it waits for.
    pub on: BlockedOn,
}

/// Every header of a task that waits.
#[must_use]
pub fn blocked_headers(blocked: &Blocked) -> Headers {
    let mut headers = task_headers(&blocked.task);
    put_history(&mut headers, &blocked.history);
    headers.set(header::BLOCKED, blocked.on.as_str());
    headers
}

/// Reads a task that waits; none where the message is a safe copy of one that is moved. Its subject says neither lane
/// nor model, so the headers must; they say everything, so that the body need not be there.
///
/// # Errors
/// [`Malformed`] when a header of the task is missing or cannot be read, or what it waits for.
pub fn read_blocked(
    headers: &dyn ReadHeaders,
    body: &[u8],
    sequence: u64,
    stored_at: EpochMs,
) -> Result<Option<Blocked>, Malformed> {
    if headers.header(header::BLOCKED).is_none() {
        return Ok(None);
    }
    let malformed = |what: String| {
        let task_id = identity(headers, body).unwrap_or_else(|| TaskId::of_orphan(Lane::Normal, sequence));
        Malformed { task_id, what }
    };
    let route = route(headers).map_err(malformed)?;
    let on = required(headers, header::BLOCKED, str::parse::<BlockedOn>).map_err(malformed)?;
    let task = read_facts(&Arrival {
        route: &route,
        headers,
        body,
        origin: Origin::Elsewhere(sequence),
        stored_at,
    })?;
    Ok(Some(Blocked {
        task,
        history: read_history(headers),
        on,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::sample;
    use crate::wire::{Held, held_headers, read_held};

    #[test]
    fn a_task_that_waits_reads_back_without_its_body_and_is_no_safe_copy() {
        let report = sample::report();
        for on in BlockedOn::ALL {
            let blocked = Blocked {
                task: report.task.clone(),
                history: report.history.clone(),
                on: *on,
            };
            let headers = blocked_headers(&blocked);
            let read = read_blocked(&headers, b"", 1, EpochMs(5)).unwrap();
            assert_eq!(read, Some(blocked));
            assert!(read_held(&headers, b"{}", 1, EpochMs(5)).is_err());
        }
    }

    #[test]
    fn a_safe_copy_is_no_task_that_waits_and_an_unknown_reason_is_told() {
        let report = sample::report();
        let held = Held {
            task: report.task,
            history: report.history,
            lane: Lane::Normal,
            sequence: 7,
        };
        let mut headers = held_headers(&held);
        assert_eq!(read_blocked(&headers, b"{}", 1, EpochMs(5)), Ok(None));
        headers.set(header::BLOCKED, "the moon");
        let malformed = read_blocked(&headers, b"{}", 1, EpochMs(5)).unwrap_err();
        assert_eq!(malformed.what, "Fl-Blocked: no reason to wait \"the moon\"");
    }
}
