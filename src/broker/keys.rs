//! The places of a `concurrency_key`, in `fl_control`: as many tasks of the key run as it has places.
//!
//! A place is a lease as those of `leadership`: only ever written with a time to live and under the expectation of the
//! revision before, which is its fencing number. A coordinator reserves a place for a task that waited, so that
//! none that comes later is faster; the worker that starts the task takes it over.

use std::time::Duration;

use async_nats::Subscriber;
use async_nats::jetstream::message::PublishMessage;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use super::connect::Broker;
use super::error::RequestError;
use super::fetch::epoch;
use super::publish::{FENCED, server_code};
use super::records::RecordError;
use super::subject;
use crate::task::{EpochMs, KeyId, TaskId};
use crate::wire::ReadHeaders;

/// How long it is known that tasks wait for a key, unless that is said again: a few looks of a coordinator.
const WAITERS_NOTED: Duration = Duration::from_secs(3);
/// The server knows no shorter time: how long it is known that a place was given back.
const GIVEN_BACK: Duration = Duration::from_secs(1);

/// Places that are read at the same time: a key may have many, and whoever asks waits for all of them.
const PLACES_AT_ONCE: usize = 16;

/// The header with a message's time to live.
const TIME_TO_LIVE: &str = "Nats-TTL";

/// Who has a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenure {
    /// Nobody.
    Free,
    /// This task, which is queued: the worker that starts it takes the place over.
    Reserved(TaskId),
    /// This task, which that worker runs.
    Held(TaskId, String),
}

/// A place as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlace {
    /// Its number.
    pub place: u32,
    /// What to expect when it is written.
    pub revision: u64,
    /// Who has it.
    pub tenure: Tenure,
}

/// Keys of which a place was given back, as it is told. What is missed, because a holder died, is found by looking.
pub struct KeyFeed(Subscriber);

impl Broker {
    /// The first `limit` places of a key.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn key_places(&self, key: &KeyId, limit: u32) -> Result<Vec<KeyPlace>, RequestError> {
        let places: Vec<_> = (0..limit).map(|place| self.key_place(key, place)).collect();
        stream::iter(places).buffered(PLACES_AT_ONCE).try_collect().await
    }

    /// One place of a key.
    ///
    /// # Errors
    /// As [`Broker::key_places`].
    pub async fn key_place(&self, key: &KeyId, place: u32) -> Result<KeyPlace, RequestError> {
        let standing = self
            .last(subject::CONTROL, &subject::key_place(key, place))
            .await?;
        Ok(KeyPlace {
            place,
            revision: standing.as_ref().map_or(0, |message| message.sequence),
            tenure: standing.map_or(Tenure::Free, |message| read(&message.payload)),
        })
    }

    /// Who has the first `limit` places of a key, and when each is free unless it is written again.
    ///
    /// # Errors
    /// As [`Broker::key_places`].
    pub async fn key_tenures(
        &self,
        key: &KeyId,
        limit: u32,
    ) -> Result<Vec<(Tenure, Option<EpochMs>)>, RequestError> {
        let subjects: Vec<String> = (0..limit).map(|place| subject::key_place(key, place)).collect();
        let standing: Vec<_> = subjects
            .iter()
            .map(|on| self.last(subject::CONTROL, on))
            .collect();
        let standing = stream::iter(standing).buffered(PLACES_AT_ONCE);
        let standing: Vec<_> = standing.try_collect().await?;
        let tenures = standing.into_iter().flatten().map(|message| {
            let lease = message.headers.header(TIME_TO_LIVE).and_then(seconds);
            let until = lease.map(|lease| epoch(&message).plus_ms(lease * 1000));
            (read(&message.payload), until)
        });
        Ok(tenures.collect())
    }

    /// Writes who has a place if its revision is still `expected`; the new one, or none when somebody else was faster.
    /// A place that is had is free again after `lease` unless it is written again: whole seconds, one at least.
    ///
    /// # Errors
    /// [`RecordError`] when the server does not answer; whether it is written is then unknown.
    pub async fn write_key(
        &self,
        key: &KeyId,
        place: u32,
        expected: u64,
        tenure: &Tenure,
        lease: Duration,
    ) -> Result<Option<u64>, RecordError> {
        let lease = match tenure {
            Tenure::Free => GIVEN_BACK,
            Tenure::Reserved(_) | Tenure::Held(..) => lease,
        };
        let (subject, body) = (subject::key_place(key, place), written(tenure));
        let bytes = body.len();
        let message = PublishMessage::build()
            .payload(body.into())
            .ttl(lease)
            .expected_last_subject_sequence(expected);
        match self.send(&subject, message).await {
            Ok(ack) => Ok(Some(ack.sequence)),
            Err(error) if server_code(&error) == Some(FENCED) => Ok(None),
            Err(error) => Err(self.explain(subject, bytes, error).into()),
        }
    }

    /// Notes that tasks wait for a key: one that comes now waits behind them.
    ///
    /// # Errors
    /// [`RecordError`]; noting it again is safe.
    pub async fn note_key_waiters(&self, key: &KeyId) -> Result<(), RecordError> {
        let (subject, body) = (subject::key_waiters(key), json!({"version": 1}).to_string());
        let bytes = body.len();
        let message = PublishMessage::build().payload(body.into()).ttl(WAITERS_NOTED);
        let sent = self.send(&subject, message).await;
        sent.map_err(|error| self.explain(subject, bytes, error))?;
        Ok(())
    }

    /// Whether tasks wait for a key, as far as is noted.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn has_key_waiters(&self, key: &KeyId) -> Result<bool, RequestError> {
        let noted = self.last(subject::CONTROL, &subject::key_waiters(key)).await?;
        Ok(noted.is_some())
    }

    /// Hears of places that are given back.
    ///
    /// # Errors
    /// [`RequestError`] when the connection is closed.
    pub async fn key_feed(&self) -> Result<KeyFeed, RequestError> {
        let heard = self.client.subscribe(subject::KEY_ANY).await;
        Ok(KeyFeed(
            heard.map_err(RequestError::of("hear of keys that are free"))?,
        ))
    }
}

impl KeyFeed {
    /// The next key of which a place was given back. None when the connection is closed for good.
    pub async fn next(&mut self) -> Option<KeyId> {
        loop {
            let message = self.0.next().await?;
            let is_free = !message.subject.ends_with(".waiters") && read(&message.payload) == Tenure::Free;
            if let Some(key) = subject::parse_key(&message.subject).filter(|_| is_free) {
                return Some(key);
            }
        }
    }
}

/// A time to live as it is written: whole seconds, with or without their unit.
fn seconds(text: &str) -> Option<u64> {
    text.trim().trim_end_matches('s').parse().ok()
}

fn written(tenure: &Tenure) -> String {
    let (holder, worker) = match tenure {
        Tenure::Free => (None, None),
        Tenure::Reserved(task) => (Some(task.as_str()), None),
        Tenure::Held(task, worker) => (Some(task.as_str()), Some(worker.as_str())),
    };
    json!({"version": 1, "holder": holder, "worker": worker}).to_string()
}

/// What cannot be read is nobody's: its time to live ends it for those who read it otherwise.
fn read(body: &[u8]) -> Tenure {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let holder = body["holder"].as_str().and_then(|id| TaskId::new(id).ok());
    match (holder, body["worker"].as_str()) {
        (None, _) => Tenure::Free,
        (Some(task), None) => Tenure::Reserved(task),
        (Some(task), Some(worker)) => Tenure::Held(task, worker.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_place_reads_back() {
        let task = TaskId::new("t").unwrap();
        for tenure in [
            Tenure::Free,
            Tenure::Reserved(task.clone()),
            Tenure::Held(task, "w 1".to_owned()),
        ] {
            assert_eq!(read(written(&tenure).as_bytes()), tenure);
        }
        assert_eq!(read(b"{"), Tenure::Free);
    }
}
