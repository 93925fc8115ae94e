//! Reading records: fences, results, dead letters.

use std::time::Duration;

use async_nats::Subscriber;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{DirectGetErrorKind, Stream};
use futures_util::StreamExt;

use super::connect::Broker;
use super::error::RequestError;
use super::publish::Original;
use super::subject;
use crate::task::{ClassName, EpochMs, TaskId};
use crate::wire::{
    DeadLetter, Fence, ReadHeaders, ResultRecord, UnreadableResult, read_dead, read_fence, read_result,
};

/// How soon a record that was heard and not found is looked for again; doubles up to
/// [`LOOK_AGAIN_MAX`].
const LOOK_AGAIN_MIN: Duration = Duration::from_millis(2);
/// The longest pause between two looks.
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(1);

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
    /// is heard before it is stored, one that the fence refuses is heard too, and one that comes
    /// while the connection is lost is not.
    async fn until_stored(
        &self,
        id: &TaskId,
        mut heard: Subscriber,
    ) -> Result<Option<Stored<ResultRecord>>, RequestError> {
        let mut connections = self.connections();
        let mut pause = None;
        loop {
            tokio::select! {
                message = heard.next() => match message {
                    Some(_) => pause = Some(LOOK_AGAIN_MIN),
                    None => return Ok(None),
                },
                Ok(()) = connections.changed() => pause = Some(LOOK_AGAIN_MIN),
                () = after(pause) => pause = pause.map(|pause| (pause * 2).min(LOOK_AGAIN_MAX)),
            }
            if let Some(found) = self.result(id).await? {
                return Ok(Some(found));
            }
        }
    }

    /// The dead letter of a task, if it has one, with its whole message.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer or the letter cannot be read.
    pub async fn dead_letter(
        &self,
        id: &TaskId,
    ) -> Result<Option<(Stored<DeadLetter>, Original)>, RequestError> {
        match self
            .next_message(subject::DEAD, &format!("fl.dead.*.{id}"), 1)
            .await?
        {
            None => Ok(None),
            Some(message) => dead_of(message).map(Some),
        }
    }

    /// The first dead letter at or after `sequence`, of one class or of all, with its message.
    ///
    /// # Errors
    /// As [`Broker::dead_letter`].
    pub async fn next_dead_letter(
        &self,
        class: Option<&ClassName>,
        sequence: u64,
    ) -> Result<Option<(Stored<DeadLetter>, Original)>, RequestError> {
        let filter = format!("fl.dead.{}.*", class.map_or("*", ClassName::as_str));
        match self.next_message(subject::DEAD, &filter, sequence).await? {
            None => Ok(None),
            Some(message) => dead_of(message).map(Some),
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
        Err(error) => Err(RequestError::of(operation())(error)),
    }
}

fn readable<T>(id: &TaskId, read: Result<T, UnreadableResult>) -> Result<T, RequestError> {
    read.map_err(RequestError::of(format!("read the result of {id}")))
}

fn dead_of(message: StreamMessage) -> Result<(Stored<DeadLetter>, Original), RequestError> {
    let at = epoch(&message);
    let letter = read_dead(&message.headers, &message.payload, message.sequence, at).map_err(
        RequestError::of(format!("read the dead letter {}", message.subject)),
    )?;
    let record = Stored {
        sequence: message.sequence,
        stored_at: at,
        record: letter,
    };
    Ok((
        record,
        Original {
            body: message.payload,
            headers: Some(message.headers),
        },
    ))
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
