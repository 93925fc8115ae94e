//! Reading records: fences and results.

use std::time::Duration;

use async_nats::StatusCode;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{DirectGetErrorKind, Stream};
use futures_util::StreamExt;

use super::connect::Broker;
use super::error::RequestError;
use super::publish::Original;
use super::subject;
use crate::task::{EpochMs, TaskId};
use crate::wire::{Fence, ReadHeaders, ResultRecord, UnreadableResult, read_fence, read_result};

/// How often a waiter looks without having heard anything.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// First pause between hearing a record and finding it stored; doubles up to [`STORE_PAUSE_MAX`].
const STORE_PAUSE: Duration = Duration::from_millis(1);
/// Beyond this the record was refused, or its stream is in trouble.
const STORE_PAUSE_MAX: Duration = Duration::from_secs(1);

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
        // Listen first, look second: what is written in between is heard.
        let heard = self.client.subscribe(subject::result(id)).await;
        let mut heard = heard.map_err(RequestError::of("subscribe to the result"))?;
        // The server must have the subscription before it is asked for the record.
        self.flush()
            .await
            .map_err(RequestError::of("subscribe to the result"))?;
        if let Some(found) = self.result(id).await? {
            return Ok(Some(found));
        }
        let waited = tokio::time::timeout(patience, async {
            loop {
                // What was published while the connection was away is not heard.
                let heard = tokio::time::timeout(LOOK_EVERY, heard.next()).await;
                let found = match heard {
                    Ok(Some(_)) => self.result_soon(id).await?,
                    Ok(None) | Err(_) => self.result(id).await?,
                };
                if found.is_some() {
                    return Ok(found);
                }
            }
        });
        match waited.await {
            Ok(found) => found,
            Err(_) => self.result(id).await,
        }
    }

    /// The record of a publication that was just heard. A subscriber hears it before the stream has
    /// stored it (a sync to disk lies between), and the stream may still refuse it: so the stream is
    /// asked, a few times with growing pauses.
    async fn result_soon(&self, id: &TaskId) -> Result<Option<Stored<ResultRecord>>, RequestError> {
        let mut pause = STORE_PAUSE;
        while pause < STORE_PAUSE_MAX {
            if let Some(found) = self.result(id).await? {
                return Ok(Some(found));
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.result(id).await
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
