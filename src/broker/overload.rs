//! The level of overload: the record `overload` in `fl_control`, who hears of it, and what it is judged by.

use std::time::Duration;

use async_nats::jetstream::kv::{Operation, Watch};
use async_nats::jetstream::message::PublishMessage;
use futures_util::StreamExt;

use super::connect::Broker;
use super::error::RequestError;
use super::inspect::StreamState;
use super::publish::{FENCED, PublishError, server_code};
use super::records::RecordError;
use super::subject;
use crate::policy::Level;
use crate::task::{EpochMs, Route};
use crate::wire::header::{MSG_ID, VERSION};
use crate::wire::{Headers, OverloadNote, level_event_body, overload_body, read_overload};

/// The bucket, and the key in it.
const BUCKET: &str = "fl_control";
const KEY: &str = "overload";
/// After so long without a record, the one that stands is read: a subscription may have gone deaf, and while a level holds
/// there is a new record every second.
const SILENT_MAX: Duration = Duration::from_secs(5);
/// Before a watch that ended is opened again: it ends with the connection, which takes as long to come back.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The record as it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noted {
    /// What it says; none where there is none, or none that can be read.
    pub note: Option<OverloadNote>,
    /// The revision the next one replaces.
    pub revision: u64,
}

/// Every record from the one that stands on.
pub struct Notes {
    broker: Broker,
    watch: Option<Watch>,
    /// The revision of the last one.
    heard: u64,
}

impl Broker {
    /// The record that stands.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn overload(&self) -> Result<Noted, RequestError> {
        let found = self.last(subject::CONTROL, &subject::control(KEY)).await?;
        Ok(Noted {
            note: found.as_ref().and_then(|message| read_overload(&message.payload)),
            revision: found.map_or(0, |message| message.sequence),
        })
    }

    /// Replaces the record of `revision`, 0 for none. None when another stands, else the new revision.
    ///
    /// # Errors
    /// [`RecordError`]; whether it is written is then unknown.
    pub async fn write_overload(
        &self,
        note: &OverloadNote,
        revision: u64,
    ) -> Result<Option<u64>, RecordError> {
        let (subject, body) = (subject::control(KEY), overload_body(note));
        let bytes = body.len();
        let message = PublishMessage::build()
            .payload(body.into())
            .expected_last_subject_sequence(revision);
        match self.send(&subject, message).await {
            Ok(ack) => Ok(Some(ack.sequence)),
            Err(error) if server_code(&error) == Some(FENCED) => Ok(None),
            Err(error) => Err(self.explain(subject, bytes, error).into()),
        }
    }

    /// Tells that the level was `from` and is now that of `note`, whose record has `revision`.
    ///
    /// # Errors
    /// [`PublishError`]; telling again is safe.
    pub async fn tell_level(
        &self,
        from: Level,
        note: &OverloadNote,
        revision: u64,
    ) -> Result<(), PublishError> {
        let mut headers = Headers::default();
        headers.set(VERSION, "1");
        headers.set(MSG_ID, format!("event:overload:{revision}"));
        let body = level_event_body(from, note).into();
        self.publish(subject::MESH_OVERLOAD_EVENT.to_owned(), headers, body)
            .await?;
        Ok(())
    }

    /// Hears every record, the one that stands first.
    #[must_use]
    pub fn overload_notes(&self) -> Notes {
        Notes {
            broker: self.clone(),
            watch: None,
            heard: 0,
        }
    }

    /// How full a stream is that must be there.
    ///
    /// # Errors
    /// [`RequestError`] when it is missing or the server does not answer.
    pub async fn fill(&self, stream: &str) -> Result<StreamState, RequestError> {
        let operation = format!("ask how full {stream} is");
        let state = self.stream_state(stream).await;
        let state = state.map_err(RequestError::of(operation.clone()))?;
        state.ok_or_else(|| RequestError::of(operation)("it does not exist"))
    }

    /// When the first task of a queue behind `delivered` was put there. None when there is none.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn waits_since(&self, route: &Route, delivered: u64) -> Result<Option<EpochMs>, RequestError> {
        let stream = subject::lane_stream(route.lane);
        // A message that no client can read may be the first.
        let head = self
            .raw_next(stream, &subject::task(route), delivered + 1)
            .await?;
        Ok(head.map(|head| head.stored_at))
    }
}

impl Notes {
    /// The next one; none for a record that is gone or cannot be read. Waits for as long as it takes, also for a
    /// server that is away.
    pub async fn next(&mut self) -> Option<OverloadNote> {
        loop {
            let watch = match &mut self.watch {
                Some(watch) => watch,
                none => match open(&self.broker).await {
                    Ok(watch) => none.insert(watch),
                    Err(error) => {
                        tracing::debug!(%error, "the level of overload is not heard; trying again");
                        tokio::time::sleep(AGAIN_AFTER).await;
                        continue;
                    }
                },
            };
            let Ok(next) = tokio::time::timeout(SILENT_MAX, watch.next()).await else {
                if is_deaf(&self.broker, self.heard).await {
                    tracing::debug!("a note of the level of overload was not heard; listening anew");
                    self.watch = None;
                }
                continue;
            };
            match next {
                Some(Ok(entry)) => {
                    self.heard = entry.revision;
                    let is_there = entry.operation == Operation::Put;
                    return is_there.then(|| read_overload(&entry.value)).flatten();
                }
                // One after a restart of the server is usual.
                Some(Err(error)) => {
                    tracing::debug!(%error, "a note of the level of overload was missed");
                    self.watch = None;
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                None => {
                    self.watch = None;
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        }
    }
}

/// Whether another record stands than that of the revision `heard`.
async fn is_deaf(broker: &Broker, heard: u64) -> bool {
    let standing = broker.overload().await;
    standing.is_ok_and(|noted| noted.revision > heard)
}

async fn open(broker: &Broker) -> Result<Watch, RequestError> {
    let operation = "hear the level of overload";
    let bucket = broker.context.get_key_value(BUCKET).await;
    let bucket = bucket.map_err(RequestError::of(operation))?;
    let watch = bucket.watch_with_history(KEY).await;
    watch.map_err(RequestError::of(operation))
}
