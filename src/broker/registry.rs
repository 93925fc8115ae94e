//! The bucket `fl_registry`: which workers there are.
//!
//! A worker writes its key about once a second, with a time to live, and deletes it when it stops. Whether one is
//! alive is told by the age of what it wrote last, by the server's clock alone: the time to live, which the server
//! knows in whole seconds, only clears the key away.

use std::time::Duration;

use async_nats::Subscriber;
use async_nats::jetstream::message::PublishMessage;
use futures_util::StreamExt;

use super::connect::Broker;
use super::error::RequestError;
use super::fetch::epoch;
use super::publish::PublishError;
use super::scan::Scope;
use super::subject;
use crate::task::{EpochMs, WorkerId};
use crate::wire::{Beat, GatewayBeat, beat_body, gateway_beat_body, read_beat, read_gateway_beat};

/// How often a worker says that it is there.
pub const BEAT_EVERY: Duration = Duration::from_secs(1);
/// A worker that was not heard for so long is lost: one heartbeat may be missed.
pub const LOST_AFTER: Duration = Duration::from_millis(2_500);
/// How long a lost worker is still shown.
const SHOWN: Duration = Duration::from_secs(60);
/// What tells readers of the bucket that a key was deleted.
const OPERATION: (&str, &str) = ("KV-Operation", "DEL");

/// A worker that is in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// What it last said.
    pub beat: Beat,
    /// How long ago, by the server's clock.
    pub age: Duration,
}

impl Registered {
    /// Whether it is there no more, as far as is known.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.age > LOST_AFTER
    }
}

/// Workers as they say that they are there, or that they stop.
pub struct Beats(Subscriber);

impl Broker {
    /// Says that a worker is there.
    ///
    /// # Errors
    /// [`PublishError`] when the bucket is missing or the server does not answer; the next one says the same.
    pub async fn beat(&self, beat: &Beat) -> Result<(), PublishError> {
        self.register(subject::worker(&beat.worker), beat_body(beat))
            .await
    }

    /// Says what a gateway acts on.
    ///
    /// # Errors
    /// As [`Broker::beat`].
    pub async fn gateway_beat(&self, beat: &GatewayBeat) -> Result<(), PublishError> {
        self.register(subject::gateway(&beat.gateway), gateway_beat_body(beat))
            .await
    }

    async fn register(&self, subject: String, body: Vec<u8>) -> Result<(), PublishError> {
        let bytes = body.len();
        let message = PublishMessage::build().payload(body.into()).ttl(SHOWN);
        let sent = self.send(&subject, message).await;
        sent.map(drop)
            .map_err(|error| self.explain(subject, bytes, error))
    }

    /// Every gateway that was heard lately.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn gateways(&self) -> Result<Vec<GatewayBeat>, RequestError> {
        let scope = Scope {
            stream: subject::REGISTRY,
            filter: subject::GATEWAY_ANY,
        };
        let (mut found, mut from) = (std::collections::BTreeMap::new(), 1);
        loop {
            let page = self.page(scope, from).await?;
            let before = found.len();
            from = page.last().map_or(from, |last| last.sequence + 1);
            found.extend(page.into_iter().map(|message| (message.subject.clone(), message)));
            if found.len() == before {
                break;
            }
        }
        let now = self.server_time().await?;
        let is_there = |stored_at| Duration::from_millis(now.since(stored_at)) <= LOST_AFTER;
        let there = found.into_values().filter(|message| is_there(message.stored_at));
        Ok(there
            .filter_map(|message| read_gateway_beat(&message.original.body).ok())
            .collect())
    }

    /// Takes a worker out of the registry.
    ///
    /// # Errors
    /// As [`Broker::beat`]; it is taken for lost then.
    pub async fn leave(&self, worker: &WorkerId) -> Result<(), PublishError> {
        let subject = subject::worker(worker);
        let (name, value) = OPERATION;
        let message = PublishMessage::build()
            .header(name, value)
            .ttl(Duration::from_secs(1));
        let sent = self.send(&subject, message).await;
        sent.map(drop).map_err(|error| self.explain(subject, 0, error))
    }

    /// Every worker that is there or was lost within the last minute, by name.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn workers(&self) -> Result<Vec<Registered>, RequestError> {
        let mut found = std::collections::BTreeMap::new();
        let mut from = 1;
        // Whoever says something meanwhile is met again, further on; that is what counts then. Where there are many, there
        // is always somebody: a page that shows nobody new is the last.
        loop {
            let page = self.page(Scope::of(subject::REGISTRY), from).await?;
            let before = found.len();
            from = page.last().map_or(from, |last| last.sequence + 1);
            found.extend(page.into_iter().map(|message| (message.subject.clone(), message)));
            if found.len() == before {
                break;
            }
        }
        let now = self.server_time().await?;
        Ok(found
            .into_values()
            .filter_map(|message| registered(&message.original.body, message.stored_at, now))
            .collect())
    }

    /// One worker.
    ///
    /// # Errors
    /// As [`Broker::workers`].
    pub async fn worker(&self, id: &WorkerId) -> Result<Option<Registered>, RequestError> {
        let Some(message) = self.last(subject::REGISTRY, &subject::worker(id)).await? else {
            return Ok(None);
        };
        let stored_at = epoch(&message);
        Ok(registered(&message.payload, stored_at, self.server_time().await?))
    }

    /// Listens to workers saying that they are there.
    ///
    /// # Errors
    /// [`RequestError`] when the connection is closed.
    pub async fn beats(&self) -> Result<Beats, RequestError> {
        let heard = self.client.subscribe(subject::WORKER_ANY).await;
        Ok(Beats(heard.map_err(RequestError::of("listen to workers"))?))
    }
}

impl Beats {
    /// The next worker that is there, or that has said it stops. None when the connection is closed for good.
    pub async fn next(&mut self) -> Option<(WorkerId, Option<Beat>)> {
        loop {
            let message = self.0.next().await?;
            let token = message.subject.rsplit('.').next().unwrap_or_default();
            if let Ok(id) = WorkerId::new(token) {
                return Some((id, read_beat(&message.payload).ok()));
            }
        }
    }
}

/// None for one that has stopped, or that is no worker.
fn registered(body: &[u8], stored_at: EpochMs, now: EpochMs) -> Option<Registered> {
    let beat = read_beat(body).ok()?;
    let age = Duration::from_millis(now.since(stored_at));
    Some(Registered { beat, age })
}
