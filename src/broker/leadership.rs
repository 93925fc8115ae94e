//! Leases in `fl_control`: of several processes that could do a duty, one does it.
//!
//! The server's timer ends a lease that is not renewed. It is only ever written with a time to live and under the
//! expectation of the revision before: an update through the KV interface would make it last for ever.

use std::time::Duration;

use async_nats::jetstream::message::PublishMessage;
use serde_json::{Value, json};

use super::connect::Broker;
use super::error::RequestError;
use super::publish::{FENCED, server_code};
use super::records::RecordError;
use super::subject;

/// The duty of the coordinator that looks everything over.
pub const LEADER: &str = "audit";

/// Proof that a lease was ours when it was last written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    revision: u64,
}

impl Broker {
    /// Takes the lease on `duty` if nobody has it, or renews it for whoever holds `term`. None when it is
    /// somebody else's.
    ///
    /// `time_to_live` is in whole seconds, one at least: the server knows no finer ones. It counts from when the
    /// server stored it, so whoever counts from before this call gives it back in time.
    ///
    /// # Errors
    /// [`RecordError`] when the server does not answer; whether the lease is held is then unknown.
    pub async fn lead(
        &self,
        duty: &str,
        name: &str,
        time_to_live: Duration,
        term: Option<Term>,
    ) -> Result<Option<Term>, RecordError> {
        let expected = match term {
            Some(term) => term.revision,
            None => match self.free_lease(duty).await? {
                Some(revision) => revision,
                None => return Ok(None),
            },
        };
        self.write_lease(duty, Some(name), time_to_live, expected).await
    }

    /// Gives a lease back, so that the next one need not wait for its end. No error when it is not ours any more.
    ///
    /// # Errors
    /// As [`Broker::lead`].
    pub async fn abdicate(&self, duty: &str, term: Term) -> Result<(), RecordError> {
        let least = Duration::from_secs(1);
        self.write_lease(duty, None, least, term.revision).await?;
        Ok(())
    }

    /// Whether somebody holds the lease on `duty`.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn is_led(&self, duty: &str) -> Result<bool, RequestError> {
        Ok(self.free_lease(duty).await?.is_none())
    }

    /// The revision to expect of a lease that nobody holds. None when somebody does.
    async fn free_lease(&self, duty: &str) -> Result<Option<u64>, RequestError> {
        let standing = self.last(subject::CONTROL, &lease(duty)).await?;
        Ok(match standing {
            None => Some(0),
            Some(message) => {
                let body: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
                body["holder"].is_null().then_some(message.sequence)
            }
        })
    }

    async fn write_lease(
        &self,
        duty: &str,
        holder: Option<&str>,
        time_to_live: Duration,
        expected: u64,
    ) -> Result<Option<Term>, RecordError> {
        let (subject, body) = (lease(duty), json!({"version": 1, "holder": holder}).to_string());
        let bytes = body.len();
        let message = PublishMessage::build()
            .payload(body.into())
            .ttl(time_to_live)
            .expected_last_subject_sequence(expected);
        match self.send(&subject, message).await {
            Ok(ack) => Ok(Some(Term {
                revision: ack.sequence,
            })),
            Err(error) if server_code(&error) == Some(FENCED) => Ok(None),
            Err(error) => Err(self.explain(subject, bytes, error).into()),
        }
    }
}

fn lease(duty: &str) -> String {
    subject::control(&format!("lease.{duty}"))
}
