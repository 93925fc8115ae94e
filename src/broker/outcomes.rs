//! What becomes of tasks, as it happens: headers alone, for whoever counts.

use async_nats::Subscriber;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::Ordered;
use futures_util::StreamExt;

use super::blocking::next;
use super::connect::Broker;
use super::error::RequestError;
use super::header::MaybeHeaders;
use super::subject;
use crate::policy::PolicyVersion;
use crate::task::{ClassName, State};
use crate::wire::ReadHeaders;
use crate::wire::header::{CLASS, EXEC_MS, HOP, POLICY, QUEUED_MS, STATE};

/// An execution that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Of which class.
    pub class: ClassName,
    /// The stored policy it ran under; 0 where none was stored.
    pub policy: PolicyVersion,
    /// Whether it failed, so that its task may be tried again.
    pub has_failed: bool,
    /// For how long its task had waited, in ms; none where that is not only a wait, as after a retry.
    pub waited_ms: Option<u64>,
    /// From the first enqueue to the end, in ms; none where it failed.
    pub took_ms: Option<u64>,
}

/// Executions as they end, all over the mesh.
pub struct Outcomes {
    results: Ordered,
    reports: Subscriber,
}

impl Broker {
    /// Hears of every execution that ends from now on. Exists at the server for as long as it is read.
    ///
    /// # Errors
    /// [`RequestError`] when a stream is missing or the server does not answer.
    pub async fn outcomes(&self) -> Result<Outcomes, RequestError> {
        let reports = self.client.subscribe(subject::REPORT_ANY).await;
        let reports = reports.map_err(RequestError::of("hear of failures"))?;
        let stream = self.context.get_stream(subject::RESULTS).await;
        let stream = stream.map_err(RequestError::of("hear of results"))?;
        // A number instead of "new": one that is opened anew by the client would skip what came in between.
        let start_sequence = stream.cached_info().state.last_sequence + 1;
        let policy = DeliverPolicy::ByStartSequence { start_sequence };
        Ok(Outcomes {
            results: self.ordered(subject::RESULTS, "fl.result.*", policy).await?,
            reports,
        })
    }
}

impl Outcomes {
    /// The next one; none for a record that tells of no execution.
    ///
    /// # Errors
    /// [`RequestError`] when it cannot go on: open it anew.
    pub async fn next(&mut self) -> Result<Option<Ended>, RequestError> {
        tokio::select! {
            result = next(&mut self.results) => {
                let message = result?;
                Ok(completed(&MaybeHeaders(message.headers.as_ref())))
            }
            report = self.reports.next() => match report {
                Some(message) => Ok(failed(&MaybeHeaders(message.headers.as_ref()))),
                None => Err(RequestError::of("hear of failures")("the connection is closed")),
            }
        }
    }
}

fn completed(headers: &dyn ReadHeaders) -> Option<Ended> {
    // What ended otherwise has been told of as a failure, or did not run.
    if headers.header(STATE).and_then(State::parse)? != State::Completed {
        return None;
    }
    let (waited_ms, ran_ms) = (number(headers, QUEUED_MS)?, number(headers, EXEC_MS)?);
    let is_first = number(headers, HOP) == Some(0);
    Some(Ended {
        class: class(headers)?,
        policy: policy(headers),
        has_failed: false,
        waited_ms: is_first.then_some(waited_ms),
        took_ms: Some(waited_ms.saturating_add(ran_ms)),
    })
}

fn failed(headers: &dyn ReadHeaders) -> Option<Ended> {
    Some(Ended {
        class: class(headers)?,
        policy: policy(headers),
        has_failed: true,
        waited_ms: None,
        took_ms: None,
    })
}

fn class(headers: &dyn ReadHeaders) -> Option<ClassName> {
    ClassName::new(headers.header(CLASS)?).ok()
}

fn policy(headers: &dyn ReadHeaders) -> PolicyVersion {
    PolicyVersion(number(headers, POLICY).unwrap_or(0))
}

fn number(headers: &dyn ReadHeaders, name: &str) -> Option<u64> {
    headers.header(name)?.trim().parse().ok()
}
