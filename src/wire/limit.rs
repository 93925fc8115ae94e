//! Bounds on what a caller may attach. All headers of a task, its report and its history
//! together stay below the 64 KiB that bodies leave free of the server's largest message.

use std::collections::BTreeMap;

use super::text;
use crate::task::TaskId;

/// Longest `callback_url`, in bytes.
pub(super) const CALLBACK_BYTES: usize = 2048;
/// Longest `concurrency_key`, in bytes.
pub(super) const KEY_BYTES: usize = 256;
/// Most entries of `depends_on`.
pub(super) const DEPENDS_ON: usize = 64;
/// Most bytes all `labels` may take, written as JSON in ASCII.
pub(super) const LABELS_BYTES: usize = 8192;
/// Longest error text, in bytes before encoding.
pub(super) const ERROR_BYTES: usize = 512;
/// Longest error text in a line of history, in bytes before encoding.
pub(super) const HISTORY_ERROR_BYTES: usize = 128;
/// Longest name of a worker, in bytes before encoding.
pub(super) const WORKER_BYTES: usize = 128;
/// Most lines of history.
pub(super) const HISTORY_LINES: usize = 16;
/// Longest `traceparent`, in bytes; version 00 has 55.
pub(super) const TRACEPARENT_BYTES: usize = 128;

/// A caller's fact that is out of bounds.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum LimitError {
    /// Too long.
    #[error("{bytes} bytes; at most {max} are allowed")]
    TooLong { bytes: usize, max: usize },
    /// Too many entries.
    #[error("{count} entries; at most {max} are allowed")]
    TooMany { count: usize, max: usize },
    /// A URL is printable ASCII without spaces; anything else must be percent-encoded in it.
    #[error("{found:?} at byte {at}; a URL has printable ASCII only, percent-encode the rest")]
    NotUrl { found: char, at: usize },
    /// Not a number that means something.
    #[error("{0} is no cost; it must be finite and not below 0")]
    NotCost(f64),
}

/// Checks a `callback_url`.
pub(super) fn callback(url: &str) -> Result<String, LimitError> {
    if let Some((at, found)) = url.char_indices().find(|(_, c)| !c.is_ascii_graphic()) {
        return Err(LimitError::NotUrl { found, at });
    }
    bytes(url, CALLBACK_BYTES)
}

/// Checks a `concurrency_key`.
pub(super) fn key(key: &str) -> Result<String, LimitError> {
    bytes(key, KEY_BYTES)
}

/// Checks `depends_on`.
pub(super) fn depends_on(ids: Vec<TaskId>) -> Result<Vec<TaskId>, LimitError> {
    match ids.len() {
        count if count > DEPENDS_ON => Err(LimitError::TooMany {
            count,
            max: DEPENDS_ON,
        }),
        _ => Ok(ids),
    }
}

/// Checks `labels`.
pub(super) fn labels(labels: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, LimitError> {
    match labels_json(&labels).len() {
        bytes if bytes > LABELS_BYTES => Err(LimitError::TooLong {
            bytes,
            max: LABELS_BYTES,
        }),
        _ => Ok(labels),
    }
}

/// Checks a cost.
pub(super) fn cost(cost: f64) -> Result<f64, LimitError> {
    if cost.is_finite() && cost >= 0.0 {
        Ok(cost)
    } else {
        Err(LimitError::NotCost(cost))
    }
}

/// A `traceparent` that can be sent on. A broken one is dropped: tracing never refuses a task.
#[must_use]
pub fn traceparent(text: &str) -> Option<String> {
    let fits = text.len() <= TRACEPARENT_BYTES && text.bytes().all(|b| b.is_ascii_graphic());
    (fits && !text.is_empty()).then(|| text.to_owned())
}

/// Labels as they stand in a header.
pub(super) fn labels_json(labels: &BTreeMap<String, String>) -> String {
    // A map from text to text always has a JSON form.
    text::ascii_json(&serde_json::to_string(labels).unwrap_or_default())
}

fn bytes(text: &str, max: usize) -> Result<String, LimitError> {
    match text.len() {
        bytes if bytes > max => Err(LimitError::TooLong { bytes, max }),
        _ => Ok(text.to_owned()),
    }
}
