//! A failure report: the whole task, and what went wrong with one execution of it.

use super::envelope::{Place, is_complete, read_envelope, task_headers};
use super::header::{self, Headers, ReadHeaders};
use super::publication::identity;
use super::{HistoryEntry, Malformed, limit, parse_body, put_history, read_history, text};
use crate::task::{EpochMs, ErrorKind, Route, Task, TaskId};

/// One execution that failed. The body beside it is the task's, byte for byte.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The task as the worker had it.
    pub task: Task,
    /// How it failed.
    pub kind: ErrorKind,
    /// What it said; at most 512 bytes travel.
    pub error: String,
    /// How long the engine asks to wait, in ms.
    pub retry_after_ms: Option<u64>,
    /// The delivery count it failed on; 1 is the first.
    pub delivered: u64,
    /// Who ran it.
    pub worker: String,
    /// How long it ran, in ms.
    pub exec_ms: u64,
    /// The failures before this one, oldest first, as the task brought them.
    pub history: Vec<HistoryEntry>,
}

impl Report {
    /// Executions that failed, this one included if it was one: a report that a coordinator makes
    /// of a task it cannot place was never delivered.
    #[must_use]
    pub fn executions(&self) -> u32 {
        self.task.attempt.saturating_add(u32::from(self.delivered > 0))
    }

    /// How often the task has run out of time in the lane it ran in, this failure included. What the
    /// last lines of its history do not tell is not counted.
    #[must_use]
    pub fn timeouts(&self) -> u32 {
        let is_timeout = |kind| kind == ErrorKind::Timeout;
        let before = self.history.iter();
        let before = before.filter(|entry| is_timeout(entry.kind) && entry.lane == Some(self.task.lane));
        let before = u32::try_from(before.count()).unwrap_or(u32::MAX);
        before.saturating_add(u32::from(is_timeout(self.kind)))
    }

    /// The history with this failure added, for the next hop. The time the report was stored
    /// stands for the end of the execution, so that two readers write the same.
    #[must_use]
    pub fn history_after(&self, reported_at: EpochMs) -> Vec<HistoryEntry> {
        let ran = i64::try_from(self.exec_ms).unwrap_or(i64::MAX);
        let entry = HistoryEntry {
            n: self.history.last().map_or(1, |last| last.n.saturating_add(1)),
            hop: self.task.hop,
            lane: Some(self.task.lane),
            worker: self.worker.clone(),
            start: EpochMs(reported_at.0.saturating_sub(ran)),
            ms: self.exec_ms,
            kind: self.kind,
            error: text::cut(&self.error, limit::HISTORY_ERROR_BYTES).to_owned(),
        };
        let skipped = (self.history.len() + 1).saturating_sub(limit::HISTORY_LINES);
        self.history
            .iter()
            .skip(skipped)
            .cloned()
            .chain([entry])
            .collect()
    }
}

/// Every header of a report.
#[must_use]
pub fn report_headers(report: &Report) -> Headers {
    let mut headers = task_headers(&report.task);
    headers.set(header::ERROR_KIND, report.kind.as_str());
    headers.set(
        header::ERROR,
        text::percent_encode(text::cut(&report.error, limit::ERROR_BYTES)),
    );
    if let Some(ms) = report.retry_after_ms {
        headers.set(header::RETRY_AFTER, ms.to_string());
    }
    headers.set(header::DELIVERED, report.delivered.to_string());
    headers.set(
        header::WORKER,
        text::percent_encode(text::cut(&report.worker, limit::WORKER_BYTES)),
    );
    headers.set(header::EXEC_MS, report.exec_ms.to_string());
    put_history(&mut headers, &report.history);
    headers
}

/// Reads a report. A foreign worker may leave out all headers but those of the task; whatever of
/// the report's own cannot be read counts as left out, because a report is the last word on its
/// task. The subject names no shard: `Fl-Shard` gives it, else `route`.
///
/// # Errors
/// [`Malformed`] when the task itself cannot be read.
pub fn read_report(
    route: &Route,
    headers: &dyn ReadHeaders,
    body: &[u8],
    sequence: u64,
    stored_at: EpochMs,
) -> Result<Report, Malformed> {
    let fallback = TaskId::of_orphan(route.lane, sequence);
    let malformed = |what: String| {
        let task_id = identity(headers, body).unwrap_or_else(|| fallback.clone());
        Malformed { task_id, what }
    };
    let decoded = if is_complete(headers) {
        None
    } else {
        Some(parse_body(headers.header(header::CONTENT_TYPE), body).map_err(|e| malformed(e.to_string()))?)
    };
    let shard = headers.header(header::SHARD).and_then(|text| text.parse().ok());
    let route = Route {
        shard: shard.unwrap_or(route.shard),
        ..route.clone()
    };
    let place = Place {
        route: &route,
        stored_at,
        fallback: fallback.clone(),
    };
    let task = read_envelope(&place, headers, decoded.as_ref()).map_err(|e| malformed(e.to_string()))?;
    Ok(report_of(task, headers))
}

fn report_of(task: Task, headers: &dyn ReadHeaders) -> Report {
    let number = |name| {
        headers
            .header(name)
            .and_then(|text| text.trim().parse::<u64>().ok())
    };
    let decoded = |name, max| {
        let text = headers.header(name).map(text::percent_decode).unwrap_or_default();
        text::cut(&text, max).to_owned()
    };
    Report {
        task,
        kind: headers
            .header(header::ERROR_KIND)
            .and_then(|k| k.parse().ok())
            .unwrap_or(ErrorKind::Retryable),
        error: decoded(header::ERROR, limit::ERROR_BYTES),
        retry_after_ms: number(header::RETRY_AFTER),
        delivered: number(header::DELIVERED).unwrap_or(1),
        worker: decoded(header::WORKER, limit::WORKER_BYTES),
        exec_ms: number(header::EXEC_MS).unwrap_or(0),
        history: read_history(headers),
    }
}
