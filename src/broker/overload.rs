//! The level of overload: the record `overload` in `fl_control`, who hears of it, and what it is judged by.

use async_nats::jetstream::message::PublishMessage;

use super::connect::Broker;
use super::error::RequestError;
use super::inspect::StreamState;
use super::publish::{FENCED, PublishError, server_code};
use super::records::RecordError;
use super::subject;
use super::watch::{Key, KeyWatch};
use crate::policy::Level;
use crate::task::{EpochMs, Route};
use crate::wire::header::{MSG_ID, VERSION};
use crate::wire::{Headers, OverloadNote, level_event_body, overload_body, read_overload};

/// The key of the record.
const KEY: &str = "overload";
/// The same, with its bucket.
const WATCHED: Key = Key {
    bucket: "fl_control",
    stream: subject::CONTROL,
    name: KEY,
    subject: "$KV.fl_control.overload",
};

/// The record as it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noted {
    /// What it says; none where there is none, or none that can be read.
    pub note: Option<OverloadNote>,
    /// The revision the next one replaces.
    pub revision: u64,
}

/// Every record from the one that stands on.
pub struct Notes(KeyWatch);

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
        Notes(KeyWatch::new(self, WATCHED))
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
        let value = self.0.next().await?;
        read_overload(&value)
    }
}
