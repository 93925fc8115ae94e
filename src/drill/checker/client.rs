//! A connection of its own.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;

use async_nats::HeaderMap;
use async_nats::jetstream::{self, consumer};
use futures_util::{StreamExt, TryStreamExt};

use super::judge::Observed;

/// Streams in which nothing may be left once every task has ended.
const TO_BE_EMPTY: [&str; 3] = ["FL_CORE", "FL_NORMAL", "FL_RETRY"];

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
        let records = self.read("FL_RESULTS").await?;
        let states = records
            .messages
            .into_iter()
            .filter_map(|(subject, state)| Some((subject.strip_prefix("fl.result.")?.to_owned(), state)))
            .collect();
        let letters = self.read("FL_DEAD").await?;
        let named: HashSet<String> = letters
            .messages
            .keys()
            .filter_map(|subject| Some(subject.rsplit('.').next()?.to_owned()))
            .collect();
        Ok(Observed {
            states,
            records_written: records.written,
            letters: named,
            letters_written: letters.written,
            repairs: self.repairs().await?,
            left: self.left().await?,
        })
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

    /// Every message of a stream: its subject and the state it names.
    async fn read(&self, name: &str) -> Result<Read, Trouble> {
        let stream = self.jetstream.get_stream(name).await;
        let stream = stream.map_err(Trouble::of("look at a stream"))?;
        let state = stream.cached_info().state.clone();
        let mut read = Read {
            messages: HashMap::new(),
            written: state.last_sequence,
        };
        if state.messages == 0 {
            return Ok(read);
        }
        let consumer = stream
            .create_consumer(consumer::pull::OrderedConfig {
                headers_only: true,
                ..consumer::pull::OrderedConfig::default()
            })
            .await
            .map_err(Trouble::of("read a stream"))?;
        let mut messages = consumer.messages().await.map_err(Trouble::of("read a stream"))?;
        while let Some(next) = messages.next().await {
            let message = next.map_err(Trouble::of("read on in a stream"))?;
            let info = message.info().map_err(Trouble::of("read where a message lies"))?;
            let is_last = info.stream_sequence >= state.last_sequence;
            read.messages
                .insert(message.subject.to_string(), state_of(&message));
            if is_last {
                break;
            }
        }
        Ok(read)
    }
}

/// What a stream holds.
struct Read {
    messages: HashMap<String, String>,
    /// How many messages it has ever stored.
    written: u64,
}

fn state_of(message: &jetstream::Message) -> String {
    let headers = message.headers.as_ref();
    let state = headers.and_then(|headers| headers.get("Fl-State"));
    state.map_or_else(String::new, |state| state.as_str().to_owned())
}
