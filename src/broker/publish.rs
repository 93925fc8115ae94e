//! Publishing, with the answer of the stream. What was not answered is not accepted.

use std::error::Error as _;

use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::context::{PublishError as ClientError, PublishErrorKind as Kind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, ErrorCode};
use bytes::Bytes;

use super::connect::Broker;
use super::header::{pairs, to_map};
use super::subject;
use crate::task::{DeadReason, EpochMs, ParkReason, Route, Task};
use crate::wire::header::{CONTENT_TYPE, MSG_ID};
use crate::wire::{
    Codec, Headers, HistoryEntry, MessageKind, Report, ResultRecord, dead_headers, message_id,
    parked_headers, put_history, report_headers, result_body, result_headers, task_headers, to_rfc3339,
};

/// When the server is to publish a message, and where to.
pub(super) const SCHEDULE: &str = "Nats-Schedule";
pub(super) const SCHEDULE_TARGET: &str = "Nats-Schedule-Target";
/// "maximum messages exceeded", "maximum bytes exceeded": a stream that refuses new messages is full.
const FULL: [u64; 3] = [10_077, 10_047, 10_023];
/// "message size exceeds maximum allowed", "header size exceeds maximum allowed of 64k".
const TOO_LARGE: [u64; 2] = [10_054, 10_097];
/// "wrong last sequence": somebody wrote the fence first.
pub(super) const FENCED: u64 = 10_071;
/// Room the server's largest message must leave for headers.
pub const HEADER_ROOM: usize = 64 * 1024;

/// A task's message as it came: what is published again goes with the same bytes.
#[derive(Debug, Clone, Default)]
pub struct Original {
    /// The body, byte for byte.
    pub body: Bytes,
    pub(super) headers: Option<async_nats::HeaderMap>,
}

impl Original {
    /// A body that has no message yet.
    #[must_use]
    pub fn new(body: Bytes) -> Self {
        Self { body, headers: None }
    }

    /// A body that has no message yet, and how it is written.
    #[must_use]
    pub fn encoded(body: Bytes, codec: Codec) -> Self {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert(CONTENT_TYPE, codec.content_type());
        Self {
            body,
            headers: Some(headers),
        }
    }

    /// The same message with another body, and how that is written.
    #[must_use]
    pub fn rewritten(&self, body: Bytes, codec: Codec) -> Self {
        let mut headers = self.headers.clone().unwrap_or_default();
        headers.insert(CONTENT_TYPE, codec.content_type());
        Self {
            body,
            headers: Some(headers),
        }
    }

    /// What to store in place of a message that does not fit beside its report: no body, and none of
    /// the headers this version does not know.
    #[must_use]
    pub fn left_out() -> Self {
        Self::default()
    }

    /// `headers` with the content type of the original and the headers this version does not know.
    pub(super) fn carry(&self, mut headers: Headers) -> Headers {
        if let Some(map) = &self.headers {
            if let Some(content_type) = map.get(CONTENT_TYPE) {
                headers.set(CONTENT_TYPE, content_type.as_str());
            }
            headers.keep_unknown(pairs(map));
        }
        headers
    }
}

/// The stream has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// As a new message of this sequence.
    Stored(u64),
    /// The same message id was seen within the stream's window; nothing was added to the message of
    /// this sequence.
    Duplicate(u64),
}

/// What became of a write to a fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fenced {
    /// It decided the task; its sequence.
    First(u64),
    /// Another record was there before.
    Refused,
}

/// The stream does not have it, as far as is known.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The stream is at its limit.
    #[error("{subject}: the stream is full ({reason}); publish again later or raise its limits")]
    Full {
        /// Where it was to go.
        subject: String,
        /// The server's words.
        reason: String,
    },
    /// No stream takes the subject.
    #[error("{subject}: no stream takes it; run `fairlane streams apply`")]
    NoStream {
        /// Where it was to go.
        subject: String,
    },
    /// The message does not fit.
    #[error(
        "{subject}: a body of {bytes} bytes and its headers are more than the {max} and 64 KiB that fit; make \
         it smaller"
    )]
    TooLarge {
        /// Where it was to go.
        subject: String,
        /// The body's size.
        bytes: usize,
        /// The most that fits.
        max: usize,
    },
    /// No answer: it may or may not be stored. Publishing again under the same id is safe.
    #[error("{subject}: no answer from the stream ({source}); publish again under the same task_id")]
    Unknown {
        /// Where it was to go.
        subject: String,
        /// What the client says.
        source: ClientError,
    },
}

impl Broker {
    /// Publishes a task to its lane.
    ///
    /// # Errors
    /// [`PublishError`]; only [`PublishError::Unknown`] leaves open whether it is stored.
    pub async fn publish_task(&self, task: &Task, original: &Original) -> Result<Published, PublishError> {
        self.publish_hop(task, original, &[]).await
    }

    /// Publishes a later hop of a task with what happened to it so far.
    ///
    /// # Errors
    /// As [`Broker::publish_task`].
    pub async fn publish_hop(
        &self,
        task: &Task,
        original: &Original,
        history: &[HistoryEntry],
    ) -> Result<Published, PublishError> {
        let mut headers = task_headers(task);
        put_history(&mut headers, history);
        headers.set(MSG_ID, message_id(MessageKind::Task, &task.id, task.hop));
        let subject = subject::task(&Route::of(task));
        self.publish(subject, original.carry(headers), original.body.clone())
            .await
    }

    /// Writes a task's terminal record, if nobody did before.
    ///
    /// # Errors
    /// [`PublishError`]; a fence that is taken is no error but [`Fenced::Refused`].
    pub async fn publish_result(&self, record: &ResultRecord, fence: u64) -> Result<Fenced, PublishError> {
        match self.try_fence(record, fence).await? {
            // The record the fence names may have aged out; then nothing stands any more, and a
            // task that could never end would be lost.
            Fenced::Refused if fence > 0 && matches!(self.fence(&record.task_id).await, Ok(None)) => {
                self.try_fence(record, 0).await
            }
            outcome => Ok(outcome),
        }
    }

    async fn try_fence(&self, record: &ResultRecord, fence: u64) -> Result<Fenced, PublishError> {
        let (subject, body) = (subject::result(&record.task_id), result_body(record));
        let (bytes, max) = (body.len(), self.max_payload().saturating_sub(HEADER_ROOM));
        // Below the server's own bound, so that every record can be read and carried with its headers.
        if bytes > max {
            return Err(PublishError::TooLarge { subject, bytes, max });
        }
        let message = PublishMessage::build()
            .headers(to_map(&result_headers(record)))
            .payload(body.into())
            .expected_last_subject_sequence(fence);
        match self.send(&subject, message).await {
            Ok(ack) => Ok(Fenced::First(ack.sequence)),
            Err(error) if server_code(&error) == Some(FENCED) => Ok(Fenced::Refused),
            Err(error) => Err(self.explain(subject, bytes, error)),
        }
    }

    /// Reports a failed execution, with the whole task.
    ///
    /// # Errors
    /// As [`Broker::publish_task`].
    pub async fn publish_report(
        &self,
        report: &Report,
        original: &Original,
    ) -> Result<Published, PublishError> {
        let mut headers = report_headers(report);
        headers.set(
            MSG_ID,
            message_id(MessageKind::Report, &report.task.id, report.task.hop),
        );
        let subject = subject::report(&Route::of(&report.task));
        self.publish(subject, original.carry(headers), original.body.clone())
            .await
    }

    /// Lets the server publish the task to `fl.retry.due` at `at`: its next hop, or a new task's first. A coordinator
    /// takes it from there to its lane.
    ///
    /// # Errors
    /// As [`Broker::publish_task`].
    pub async fn publish_at(
        &self,
        task: &Task,
        at: EpochMs,
        original: &Original,
        history: &[HistoryEntry],
    ) -> Result<Published, PublishError> {
        let mut headers = task_headers(task);
        put_history(&mut headers, history);
        headers.set(MSG_ID, message_id(MessageKind::At, &task.id, task.hop));
        let mut headers = original.carry(headers);
        headers.set(SCHEDULE, format!("@at {}", to_rfc3339(at)));
        headers.set(SCHEDULE_TARGET, subject::retry_due(&Route::of(task)));
        self.publish(subject::retry_at(&task.id), headers, original.body.clone())
            .await
    }

    /// Stores a dead letter: the whole task, the reason and the history.
    ///
    /// # Errors
    /// As [`Broker::publish_task`].
    pub async fn publish_dead(
        &self,
        report: &Report,
        reason: DeadReason,
        original: &Original,
    ) -> Result<Published, PublishError> {
        let id = message_id(MessageKind::Dead, &report.task.id, report.task.hop);
        self.publish_letter(report, reason, original, &id).await
    }

    /// The same under a message id of the caller's own.
    pub(super) async fn publish_letter(
        &self,
        report: &Report,
        reason: DeadReason,
        original: &Original,
        message_id: &str,
    ) -> Result<Published, PublishError> {
        let mut headers = dead_headers(report, reason);
        headers.set(MSG_ID, message_id);
        let subject = subject::dead(&report.task.class, &report.task.id);
        self.publish(subject, original.carry(headers), original.body.clone())
            .await
    }

    /// Puts a task aside: whole, with its last report and why.
    ///
    /// # Errors
    /// As [`Broker::publish_task`].
    pub async fn publish_archive(
        &self,
        report: &Report,
        why: ParkReason,
        original: &Original,
    ) -> Result<Published, PublishError> {
        let mut headers = parked_headers(report, why);
        headers.set(
            MSG_ID,
            message_id(MessageKind::Archive, &report.task.id, report.task.hop),
        );
        let subject = subject::archived(&report.task.class, &report.task.id);
        self.publish(subject, original.carry(headers), original.body.clone())
            .await
    }

    pub(super) async fn publish(
        &self,
        subject: String,
        headers: Headers,
        body: Bytes,
    ) -> Result<Published, PublishError> {
        let bytes = body.len();
        let message = PublishMessage::build().headers(to_map(&headers)).payload(body);
        match self.send(&subject, message).await {
            Ok(ack) if ack.duplicate => Ok(Published::Duplicate(ack.sequence)),
            Ok(ack) => Ok(Published::Stored(ack.sequence)),
            Err(error) => Err(self.explain(subject, bytes, error)),
        }
    }

    pub(super) async fn send(
        &self,
        subject: &str,
        message: PublishMessage,
    ) -> Result<jetstream::publish::PublishAck, ClientError> {
        let sent = self
            .context
            .send_publish(subject.to_owned(), message)
            .await?
            .await;
        match sent {
            // The coordinator listens there, so nobody says that no stream does.
            Err(error) if error.kind() == Kind::TimedOut && self.has_no_stream(subject).await => {
                Err(Kind::StreamNotFound.into())
            }
            sent => sent,
        }
    }

    /// Whether the lane of a task's subject is missing, for certain.
    async fn has_no_stream(&self, subject: &str) -> bool {
        let Some(route) = subject::parse_task(subject) else {
            return false;
        };
        let asked = self.context.get_stream(subject::lane_stream(route.lane)).await;
        asked.is_err_and(|error| {
            matches!(error.kind(), GetStreamErrorKind::JetStream(told) if told.error_code() == ErrorCode::STREAM_NOT_FOUND)
        })
    }

    pub(super) fn explain(&self, subject: String, bytes: usize, error: ClientError) -> PublishError {
        let max = self.max_payload().saturating_sub(HEADER_ROOM);
        match (server_code(&error), error.kind()) {
            (Some(code), _) if FULL.contains(&code) => {
                let reason = error.source().map(ToString::to_string).unwrap_or_default();
                PublishError::Full { subject, reason }
            }
            (Some(code), _) if TOO_LARGE.contains(&code) => PublishError::TooLarge { subject, bytes, max },
            (None, Kind::MaxPayloadExceeded) => PublishError::TooLarge { subject, bytes, max },
            (_, Kind::StreamNotFound) => PublishError::NoStream { subject },
            _ => PublishError::Unknown {
                subject,
                source: error,
            },
        }
    }
}

pub(super) fn server_code(error: &ClientError) -> Option<u64> {
    if error.kind() == Kind::WrongLastSequence {
        return Some(FENCED);
    }
    let told = error.source()?.downcast_ref::<jetstream::Error>()?;
    let ErrorCode(code) = told.error_code();
    Some(code)
}
