//! Reading records: fences and results.

use std::time::Duration;

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{DirectGetErrorKind, Stream};
use async_nats::{StatusCode, Subscriber};
use futures_util::StreamExt;

use super::connect::Broker;
use super::error::RequestError;
use super::publish::Original;
use super::subject;
use crate::task::{EpochMs, TaskId};
use crate::wire::{Fence, ReadHeaders, ResultRecord, UnreadableResult, read_fence, read_result};

/// How soon a record that may be on its way to the disk is looked for again; doubles.
const LOOK_AGAIN_MIN: Duration = Duration::from_millis(2);
/// The longest pause between two such looks: what takes twice as long is not being written.
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(4);

/// A record with the place it has in its stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T> {
    /// Its sequence.
    pub sequence: u64,
    /// When the stream stored it.
    pub stored_at: EpochMs,
    /// What it says.
    pub record: T,
}

impl Broker {
    /// The terminal record of a task, without its body.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn fence(&self, id: &TaskId) -> Result<Option<Stored<Fence>>, RequestError> {
        let Some(message) = self.last(subject::RESULTS, &subject::result(id)).await? else {
            return Ok(None);
        };
        Ok(read_fence(&message.headers).map(|record| stored(&message, record)))
    }

    /// The terminal record of a task.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer or the record cannot be read.
    pub async fn result(&self, id: &TaskId) -> Result<Option<Stored<ResultRecord>>, RequestError> {
        let Some(message) = self.last(subject::RESULTS, &subject::result(id)).await? else {
            return Ok(None);
        };
        let record = readable(id, read_result(&message.headers, &message.payload))?;
        Ok(Some(stored(&message, record)))
    }

    /// Waits for the terminal record of a task, at most `patience`. None when it passed.
    ///
    /// # Errors
    /// As [`Broker::result`].
    pub async fn wait_for_result(
        &self,
        id: &TaskId,
        patience: Duration,
    ) -> Result<Option<Stored<ResultRecord>>, RequestError> {
        // Listen first, look second: what is published in between is heard.
        let heard = self.client.subscribe(subject::result(id)).await;
        let heard = heard.map_err(RequestError::of("subscribe to the result"))?;
        // The server must have the subscription before it is asked for the record.
        self.flush()
            .await
            .map_err(RequestError::of("subscribe to the result"))?;
        if let Some(found) = self.result(id).await? {
            return Ok(Some(found));
        }
        let waited = tokio::time::timeout(patience, self.until_stored(id, heard));
        match waited.await {
            Ok(found) => found,
            Err(_) => self.result(id).await,
        }
    }

    /// Looks whenever a record may have come: the stream decides, not what is heard. A publication
    /// passes before it is stored, so that one may be missed and not be there yet; one that the
    /// fence refuses is heard too, and one that comes while the connection is lost is not.
    async fn until_stored(
        &self,
        id: &TaskId,
        mut heard: Subscriber,
    ) -> Result<Option<Stored<ResultRecord>>, RequestError> {
        let mut connections = self.connections();
        let mut pause = Some(LOOK_AGAIN_MIN);
        loop {
            tokio::select! {
                message = heard.next() => match message {
                    Some(_) => pause = Some(LOOK_AGAIN_MIN),
                    None => return Ok(None),
                },
                Ok(()) = connections.changed() => pause = Some(LOOK_AGAIN_MIN),
                () = after(pause) => pause = pause.map(|p| p * 2).filter(|p| *p <= LOOK_AGAIN_MAX),
            }
            if let Some(found) = self.result(id).await? {
                return Ok(Some(found));
            }
        }
    }

    pub(super) async fn last(
        &self,
        stream: &str,
        subject: &str,
    ) -> Result<Option<StreamMessage>, RequestError> {
        let got = self
            .stream(stream)
            .await?
            .direct_get_last_for_subject(subject)
            .await;
        found(got, || format!("read {subject} from {stream}"))
    }

    pub(super) async fn next_message(
        &self,
        stream: &str,
        filter: &str,
        sequence: u64,
    ) -> Result<Option<StreamMessage>, RequestError> {
        let got = self
            .stream(stream)
            .await?
            .direct_get_next_for_subject(filter, Some(sequence))
            .await;
        found(got, || format!("read {filter} from {stream}"))
    }

    pub(super) async fn stream(&self, name: &str) -> Result<Stream<()>, RequestError> {
        self.context
            .get_stream_no_info(name)
            .await
            .map_err(RequestError::of(format!("use the stream {name}")))
    }
}

async fn after(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

fn found(
    got: Result<StreamMessage, async_nats::jetstream::stream::DirectGetError>,
    operation: impl FnOnce() -> String,
) -> Result<Option<StreamMessage>, RequestError> {
    match got {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
        Err(error) => match error.kind() {
            DirectGetErrorKind::ErrorResponse(StatusCode::NO_RESPONDERS, _) => {
                Err(RequestError::of(operation())(
                    "no such stream, or no server leads it; see `fairlane streams plan`",
                ))
            }
            _ => Err(RequestError::of(operation())(error)),
        },
    }
}

fn readable<T>(id: &TaskId, read: Result<T, UnreadableResult>) -> Result<T, RequestError> {
    read.map_err(RequestError::of(format!("read the result of {id}")))
}

fn stored<T>(message: &StreamMessage, record: T) -> Stored<T> {
    Stored {
        sequence: message.sequence,
        stored_at: epoch(message),
        record,
    }
}

pub(super) fn epoch(message: &StreamMessage) -> EpochMs {
    EpochMs(i64::try_from(message.time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default())
}

/// Whether a record decides a task that carries `fence`: one from before a replay does not.
#[must_use]
pub fn decides(stored: &Stored<Fence>, fence: u64) -> bool {
    stored.sequence > fence && stored.record.state.is_terminal()
}

impl Original {
    /// One header as it came.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.as_ref().and_then(|map| map.header(name))
    }
}
