//! A dead letter: the last report of a task, and why it was given up.

use super::header::{self, Headers, ReadHeaders};
use super::publication::identity;
use super::{Malformed, Report, read_report, report_headers, text};
use crate::task::{ClassName, DeadReason, EpochMs, Lane, ModelName, Route, TaskId};

/// A task that was given up. The body beside it is the task's, byte for byte.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// Its last failure.
    pub report: Report,
    /// Why nothing more is tried.
    pub reason: DeadReason,
}

/// Every header of a dead letter.
#[must_use]
pub fn dead_headers(report: &Report, reason: DeadReason) -> Headers {
    let mut headers = report_headers(report);
    headers.set(header::REASON, reason.as_str());
    headers
}

/// Reads a dead letter. Its subject says neither lane nor model, so the headers must.
///
/// # Errors
/// [`Malformed`] when a header of the task or the reason is missing or cannot be read.
pub fn read_dead(
    headers: &dyn ReadHeaders,
    body: &[u8],
    sequence: u64,
    stored_at: EpochMs,
) -> Result<DeadLetter, Malformed> {
    let malformed = |what: String| {
        let task_id = identity(headers, body).unwrap_or_else(|| TaskId::of_orphan(Lane::Normal, sequence));
        Malformed { task_id, what }
    };
    let route = route(headers).map_err(malformed)?;
    let reason = required(headers, header::REASON, str::parse::<DeadReason>).map_err(malformed)?;
    let report = read_report(&route, headers, body, sequence, stored_at)?;
    Ok(DeadLetter { report, reason })
}

pub(super) fn route(headers: &dyn ReadHeaders) -> Result<Route, String> {
    let model = required(headers, header::MODEL, |name| {
        ModelName::new(&text::percent_decode(name))
    })?;
    Ok(Route {
        lane: required(headers, header::LANE, str::parse::<Lane>)?,
        class: required(headers, header::CLASS, ClassName::new)?,
        model: model.token(),
        shard: required(headers, header::SHARD, str::parse)?,
    })
}

pub(super) fn required<T, E: ToString>(
    headers: &dyn ReadHeaders,
    name: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, String> {
    let text = headers.header(name).ok_or_else(|| format!("{name}: missing"))?;
    parse(text).map_err(|e| format!("{name}: {}", e.to_string()))
}
