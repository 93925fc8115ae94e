//! A connection of its own.

use std::collections::HashMap;
use std::fmt::Display;

use async_nats::HeaderMap;
use async_nats::jetstream::{self, consumer};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::Value;

use super::judge::{Ended, Events, Observed};

/// Streams in which nothing may be left once every task has ended.
const TO_BE_EMPTY: [&str; 5] = ["FL_CORE", "FL_NORMAL", "FL_RETRY", "FL_HELD", "FL_ARCHIVE"];

/// The server could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the checker cannot {what}: {why}")]
pub struct Trouble {
    what: &'static str,
    why: String,
}

impl Trouble {
    pub(super) fn of<E: Display>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |why| Self {
            what,
            why: why.to_string(),
        }
    }
}

/// A NATS client like anybody's.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(super) nats: async_nats::Client,
    pub(super) jetstream: jetstream::Context,
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(url: &str) -> Result<Self, Trouble> {
        let nats = async_nats::connect(url).await.map_err(Trouble::of("connect"))?;
        let jetstream = jetstream::new(nats.clone());
        Ok(Self { nats, jetstream })
    }

    /// Publishes a task and waits until the stream has confirmed it.
    pub(crate) async fn publish(&self, subject: &str, id: &str, body: String) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", id);
        let sent = self
            .jetstream
            .publish_with_headers(subject.to_owned(), headers, body.into())
            .await
            .map_err(|error| error.to_string())?;
        sent.await.map(drop).map_err(|error| error.to_string())
    }

    /// How many messages are left where none may be.
    pub(crate) async fn left(&self) -> Result<u64, Trouble> {
        let mut left = 0;
        for name in TO_BE_EMPTY {
            let stream = self.jetstream.get_stream(name).await;
            let stream = stream.map_err(Trouble::of("look at a stream"))?;
            left += stream.cached_info().state.messages;
        }
        Ok(left)
    }

    /// What is there now.
    pub(crate) async fn observe(&self) -> Result<Observed, Trouble> {
        let (mut records, mut letters, mut events) = (HashMap::new(), HashMap::new(), Events::default());
        let records_written = self
            .read("FL_RESULTS", true, |message, at| {
                if let Some(id) = message.subject.strip_prefix("fl.result.") {
                    let state = header(message, "Fl-State");
                    records.insert(id.to_owned(), Ended { state, at });
                }
            })
            .await?;
        let letters_written = self
            .read("FL_DEAD", true, |message, _| {
                if let Some(id) = message.subject.rsplit('.').next() {
                    letters.insert(id.to_owned(), header(message, "Fl-Reason"));
                }
            })
            .await?;
        self.read("FL_EVENTS", false, |message, _| count(&mut events, message))
            .await?;
        Ok(Observed {
            records,
            records_written,
            letters,
            letters_written,
            repairs: self.repairs().await?,
            left: self.left().await?,
            events,
        })
    }

    /// What befell these tasks, as the mesh tells it.
    pub(crate) async fn told_of(&self, tasks: &[String]) -> Result<Vec<String>, Trouble> {
        let mut told = Vec::new();
        self.read("FL_EVENTS", false, |message, at| {
            let task = message.subject.split('.').nth(3).unwrap_or_default();
            if tasks.iter().any(|id| id == task) {
                let body = String::from_utf8_lossy(&message.payload);
                told.push(format!("{at} {} {body}", message.subject));
            }
        })
        .await?;
        Ok(told)
    }

    async fn repairs(&self) -> Result<u64, Trouble> {
        let stream = self.jetstream.get_stream("FL_EVENTS").await;
        let stream = stream.map_err(Trouble::of("look at the events"))?;
        let subjects = stream
            .info_with_subjects("fl.event.*.*.repair")
            .await
            .map_err(Trouble::of("count the repairs"))?;
        let counts: Vec<(String, usize)> = subjects
            .try_collect()
            .await
            .map_err(Trouble::of("count the repairs"))?;
        Ok(counts.iter().map(|(_, count)| *count as u64).sum())
    }

    /// Goes through every message of a stream, with when it was stored, in ms since the epoch; how many were ever
    /// stored.
    async fn read(
        &self,
        name: &str,
        headers_only: bool,
        mut each: impl FnMut(&jetstream::Message, i64),
    ) -> Result<u64, Trouble> {
        let stream = self.jetstream.get_stream(name).await;
        let stream = stream.map_err(Trouble::of("look at a stream"))?;
        let state = stream.cached_info().state.clone();
        if state.messages == 0 {
            return Ok(state.last_sequence);
        }
        let consumer = stream
            .create_consumer(consumer::pull::OrderedConfig {
                headers_only,
                ..consumer::pull::OrderedConfig::default()
            })
            .await
            .map_err(Trouble::of("read a stream"))?;
        let mut messages = consumer.messages().await.map_err(Trouble::of("read a stream"))?;
        while let Some(next) = messages.next().await {
            let message = next.map_err(Trouble::of("read on in a stream"))?;
            let info = message.info().map_err(Trouble::of("read where a message lies"))?;
            let (sequence, stored) = (info.stream_sequence, info.published.unix_timestamp_nanos());
            each(&message, i64::try_from(stored / 1_000_000).unwrap_or(i64::MAX));
            if sequence >= state.last_sequence {
                break;
            }
        }
        Ok(state.last_sequence)
    }
}

fn header(message: &jetstream::Message, name: &str) -> String {
    let headers = message.headers.as_ref();
    let value = headers.and_then(|headers| headers.get(name));
    value.map_or_else(String::new, |value| value.as_str().to_owned())
}

/// What an event tells of, by its kind and how its words begin.
fn count(events: &mut Events, message: &jetstream::Message) {
    let body: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
    let kind = message.subject.rsplit('.').next().unwrap_or_default();
    let detail = body["detail"].as_str().unwrap_or_default();
    let counted = match kind {
        "release" if detail.starts_with("what it depends on") => &mut events.released,
        "release" => &mut events.granted,
        "promote" if detail.starts_with("it waited for") => &mut events.lifted,
        "promote" => &mut events.inherited,
        "archive" if detail.starts_with("put aside on level") => &mut events.put_aside,
        "archive" => &mut events.parked,
        "replay" if detail.starts_with("there is room") => &mut events.put_back,
        "replay" => &mut events.replayed,
        _ => return,
    };
    *counted += 1;
}
