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
use crate::clock;
use crate::policy::PolicyVersion;
use crate::task::{ClassName, EpochMs, State};
use crate::wire::ReadHeaders;
use crate::wire::header::{CLASS, ENQUEUED_AT, EXEC_MS, HOP, POLICY, QUEUED_MS, STATE};

/// An execution that ended, or a task that was given up without one.
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
    /// From the first enqueue to the end, in ms; none where it failed or never ran.
    pub took_ms: Option<u64>,
    /// From the first enqueue to this end of it, in ms; none where nobody says.
    pub age_ms: Option<u64>,
    /// Whether it was given up without having run, as its deadline had passed or could not be met any more.
    pub has_expired: bool,
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
    let state = headers.header(STATE).and_then(State::parse)?;
    let given_up = Ended {
        class: class(headers)?,
        policy: policy(headers),
        has_failed: false,
        waited_ms: None,
        took_ms: None,
        age_ms: number(headers, QUEUED_MS),
        has_expired: true,
    };
    match state {
        State::Expired => return Some(given_up),
        State::Completed => (),
        // What ended otherwise has been told of as a failure, or did not run.
        _ => return None,
    }
    let (waited_ms, ran_ms) = (number(headers, QUEUED_MS)?, number(headers, EXEC_MS)?);
    let is_first = number(headers, HOP) == Some(0);
    Some(Ended {
        waited_ms: is_first.then_some(waited_ms),
        took_ms: Some(waited_ms.saturating_add(ran_ms)),
        age_ms: Some(waited_ms.saturating_add(ran_ms)),
        has_expired: false,
        ..given_up
    })
}

fn failed(headers: &dyn ReadHeaders) -> Option<Ended> {
    Some(Ended {
        class: class(headers)?,
        policy: policy(headers),
        has_failed: true,
        waited_ms: None,
        took_ms: None,
        age_ms: enqueued_at(headers).map(|at| clock::wall().since(at)),
        has_expired: false,
    })
}

fn class(headers: &dyn ReadHeaders) -> Option<ClassName> {
    ClassName::new(headers.header(CLASS)?).ok()
}

fn policy(headers: &dyn ReadHeaders) -> PolicyVersion {
    PolicyVersion(number(headers, POLICY).unwrap_or(0))
}

fn enqueued_at(headers: &dyn ReadHeaders) -> Option<EpochMs> {
    headers.header(ENQUEUED_AT)?.trim().parse().ok().map(EpochMs)
}

fn number(headers: &dyn ReadHeaders, name: &str) -> Option<u64> {
    headers.header(name)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use async_nats::HeaderMap;

    use super::*;

    fn record(state: &str, hop: &str) -> Option<Ended> {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (STATE, state),
            (HOP, hop),
            (CLASS, "pay"),
            (POLICY, "7"),
            (QUEUED_MS, "40"),
            (EXEC_MS, "2"),
        ] {
            headers.insert(name, value);
        }
        completed(&headers)
    }

    #[test]
    fn a_failure_says_how_old_its_task_is() {
        let mut headers = HeaderMap::new();
        headers.insert(CLASS, "pay");
        assert_eq!(failed(&headers).unwrap().age_ms, None);
        let enqueued_at = clock::wall().0 - 5_000;
        headers.insert(ENQUEUED_AT, enqueued_at.to_string());
        let age_ms = failed(&headers).unwrap().age_ms.unwrap();
        assert!((5_000..60_000).contains(&age_ms), "{age_ms}");
    }

    #[test]
    fn what_was_given_up_is_told_apart_from_what_ran_and_the_rest_is_told_elsewhere() {
        let done = record("completed", "0").unwrap();
        assert_eq!((done.waited_ms, done.took_ms), (Some(40), Some(42)));
        assert!(!done.has_expired && !done.has_failed);
        assert_eq!(
            record("completed", "1").unwrap().waited_ms,
            None,
            "a retry is no wait"
        );
        let expired = record("expired", "0").unwrap();
        assert!(expired.has_expired && !expired.has_failed);
        assert_eq!((expired.waited_ms, expired.took_ms), (None, None));
        assert_eq!(expired.policy, PolicyVersion(7));
        assert_eq!(record("dead", "0"), None);
        assert_eq!(record("cancelled", "0"), None);
    }
}
