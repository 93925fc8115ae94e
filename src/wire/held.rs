//! The safe copy of a queued task while it is moved to another lane.

use super::dead::{required, route};
use super::header::{self, Headers, ReadHeaders};
use super::publication::identity;
use super::{Arrival, HistoryEntry, Malformed, Origin, put_history, read_facts, read_history, task_headers};
use crate::task::{EpochMs, Lane, Task, TaskId};

/// A task on its way. The body beside it is the task's, byte for byte.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The task as it will be on its new lane.
    pub task: Task,
    /// Its failures so far, oldest first.
    pub history: Vec<HistoryEntry>,
    /// The lane it leaves.
    pub lane: Lane,
    /// Its message there.
    pub sequence: u64,
}

/// Every header of a held copy.
#[must_use]
pub fn held_headers(held: &Held) -> Headers {
    let mut headers = task_headers(&held.task);
    put_history(&mut headers, &held.history);
    headers.set(header::MOVED_FROM, format!("{}:{}", held.lane, held.sequence));
    headers
}

/// Reads a held copy. Its subject says neither lane nor model, so the headers must.
///
/// # Errors
/// [`Malformed`] when a header of the task is missing or cannot be read, or the place it came from.
pub fn read_held(
    headers: &dyn ReadHeaders,
    body: &[u8],
    sequence: u64,
    stored_at: EpochMs,
) -> Result<Held, Malformed> {
    let malformed = |what: String| {
        let task_id = identity(headers, body).unwrap_or_else(|| TaskId::of_orphan(Lane::Normal, sequence));
        Malformed { task_id, what }
    };
    let route = route(headers).map_err(malformed)?;
    let (lane, from) = required(headers, header::MOVED_FROM, place).map_err(malformed)?;
    let task = read_facts(&Arrival {
        route: &route,
        headers,
        body,
        origin: Origin::Elsewhere(sequence),
        stored_at,
    })?;
    Ok(Held {
        task,
        history: read_history(headers),
        lane,
        sequence: from,
    })
}

fn place(text: &str) -> Result<(Lane, u64), String> {
    let wrong = || format!("{text:?} is no <lane>:<sequence>");
    let (lane, sequence) = text.split_once(':').ok_or_else(wrong)?;
    Ok((
        lane.parse().map_err(|_| wrong())?,
        sequence.parse().map_err(|_| wrong())?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::sample;

    #[test]
    fn a_held_copy_reads_back() {
        let report = sample::report();
        let held = Held {
            task: report.task.clone(),
            history: report.history,
            lane: Lane::Normal,
            sequence: 7,
        };
        let headers = held_headers(&held);
        let read = read_held(&headers, b"{}", 1, EpochMs(5)).unwrap();
        assert_eq!(read, held);
        for text in ["", "normal", "normal:", "nowhere:1", "normal:x"] {
            let mut headers = headers.clone();
            headers.set(header::MOVED_FROM, text);
            assert!(read_held(&headers, b"{}", 1, EpochMs(5)).is_err(), "{text}");
        }
    }
}
