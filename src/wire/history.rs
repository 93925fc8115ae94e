//! What befell a task so far: its last failures, carried in `Fl-History` from hop to hop.

use serde::{Deserialize, Serialize};

use super::header::{self, Headers, ReadHeaders};
use super::{limit, text};
use crate::task::{EpochMs, ErrorKind, Lane};

/// One execution that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Which failure it was, counted from 1 over the task's whole life.
    pub n: u32,
    /// The hop it happened on.
    pub hop: u32,
    /// The lane it ran in; none where a foreign worker or an older version did not say.
    pub lane: Option<Lane>,
    /// Who ran it.
    pub worker: String,
    /// When it started.
    pub start: EpochMs,
    /// How long it ran, in ms.
    pub ms: u64,
    /// How it failed.
    pub kind: ErrorKind,
    /// What it said, cut to 128 bytes.
    pub error: String,
}

/// The entry on the wire. All but `n` may be left out by a foreign worker.
#[derive(Serialize, Deserialize)]
struct Line {
    n: u32,
    #[serde(default)]
    hop: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lane: Option<String>,
    #[serde(default)]
    worker: String,
    #[serde(default)]
    start: i64,
    #[serde(default)]
    ms: u64,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    error: String,
}

/// Reads the history, oldest first. A history that cannot be read is none: it explains a task
/// and decides nothing, so it must not hold one up.
#[must_use]
pub fn read_history(headers: &dyn ReadHeaders) -> Vec<HistoryEntry> {
    let lines: Option<Vec<Line>> = headers
        .header(header::HISTORY)
        .and_then(|text| serde_json::from_str(text).ok());
    let mut lines = lines.unwrap_or_default();
    lines.drain(..lines.len().saturating_sub(limit::HISTORY_LINES));
    lines.into_iter().map(Line::entry).collect()
}

/// Puts the last 16 entries of a history into `headers`; none for an empty one.
pub fn put_history(headers: &mut Headers, history: &[HistoryEntry]) {
    let last = &history[history.len().saturating_sub(limit::HISTORY_LINES)..];
    if last.is_empty() {
        return;
    }
    let lines: Vec<Line> = last.iter().map(Line::of).collect();
    // Numbers and text always have a JSON form.
    let json = serde_json::to_string(&lines).unwrap_or_default();
    headers.set(header::HISTORY, text::ascii_json(&json));
}

impl Line {
    fn of(entry: &HistoryEntry) -> Self {
        Self {
            n: entry.n,
            hop: entry.hop,
            lane: entry.lane.map(|lane| lane.to_string()),
            worker: text::cut(&entry.worker, limit::WORKER_BYTES).to_owned(),
            start: entry.start.0,
            ms: entry.ms,
            kind: entry.kind.as_str().to_owned(),
            error: text::cut(&entry.error, limit::HISTORY_ERROR_BYTES).to_owned(),
        }
    }

    fn entry(self) -> HistoryEntry {
        HistoryEntry {
            n: self.n,
            hop: self.hop,
            lane: self.lane.and_then(|lane| lane.parse().ok()),
            worker: text::cut(&self.worker, limit::WORKER_BYTES).to_owned(),
            start: EpochMs(self.start),
            ms: self.ms,
            kind: self.kind.parse().unwrap_or(ErrorKind::Retryable),
            error: text::cut(&self.error, limit::HISTORY_ERROR_BYTES).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::sample;

    #[test]
    fn the_last_sixteen_are_kept_and_fit_whatever_they_say() {
        let entry = |n| HistoryEntry {
            n,
            error: "\u{1}".repeat(400),
            worker: "é".repeat(200),
            ..sample::history()
        };
        let history: Vec<HistoryEntry> = (1..=40).map(entry).collect();
        let mut headers = Headers::default();
        put_history(&mut headers, &history);
        assert!(headers.get(header::HISTORY).unwrap().len() < 32 * 1024);
        let read = read_history(&headers);
        assert_eq!(
            read.iter().map(|e| e.n).collect::<Vec<_>>(),
            (25..=40).collect::<Vec<_>>()
        );
        assert_eq!(read[0].error.len(), 128);
    }

    #[test]
    fn an_entry_that_names_no_lane_is_read_without_one() {
        let mut headers = Headers::default();
        headers.set(
            header::HISTORY,
            r#"[{"n":1,"hop":0,"worker":"w","start":5,"ms":6,"kind":"timeout","error":"e"}]"#,
        );
        let read = read_history(&headers);
        assert_eq!((read[0].lane, read[0].kind), (None, ErrorKind::Timeout));
    }

    #[test]
    fn a_history_that_cannot_be_read_is_none() {
        for text in ["", "[", "{}", "[1]", r#"[{"hop":1}]"#, r#"[{"n":-1}]"#] {
            let mut headers = Headers::default();
            headers.set(header::HISTORY, text);
            assert_eq!(read_history(&headers), [], "{text}");
        }
    }
}
