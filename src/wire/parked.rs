//! A parked task: its last report, and why it was put aside.

use super::dead::{required, route};
use super::header::{self, Headers, ReadHeaders};
use super::publication::identity;
use super::{Malformed, Report, read_report, report_headers};
use crate::task::{EpochMs, Lane, ParkReason, TaskId};

/// A task in the archive. The body beside it is the task's, byte for byte.
#[derive(Debug, Clone, PartialEq)]
pub struct Parked {
    /// Its last failure; one of a coordinator or a gateway where it never ran.
    pub report: Report,
    /// Why it was put aside.
    pub why: ParkReason,
}

/// Every header of a parked task.
#[must_use]
pub fn parked_headers(report: &Report, why: ParkReason) -> Headers {
    let mut headers = report_headers(report);
    headers.set(header::REASON, why.as_str());
    headers
}

/// Reads a parked task. Its subject says neither lane nor model, so the headers must.
///
/// # Errors
/// [`Malformed`] when a header of the task or the reason is missing or cannot be read.
pub fn read_parked(
    headers: &dyn ReadHeaders,
    body: &[u8],
    sequence: u64,
    stored_at: EpochMs,
) -> Result<Parked, Malformed> {
    let malformed = |what: String| {
        let task_id = identity(headers, body).unwrap_or_else(|| TaskId::of_orphan(Lane::Normal, sequence));
        Malformed { task_id, what }
    };
    let route = route(headers).map_err(malformed)?;
    let why = required(headers, header::REASON, str::parse::<ParkReason>).map_err(malformed)?;
    let report = read_report(&route, headers, body, sequence, stored_at)?;
    Ok(Parked { report, why })
}
