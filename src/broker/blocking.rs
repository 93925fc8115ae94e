//! Tasks that wait aside, in `FL_HELD`, and hearing of what they wait for.
//!
//! The feeds have no state at the server beyond a connection: whoever leads reads all that waits, then hears what is
//! new. They are ordered consumers, which miss nothing and ack nothing, so that a result that is heard costs its
//! worker nothing.

use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::jetstream::consumer::{Consumer, DeliverPolicy};
use futures_util::StreamExt;

use super::connect::Broker;
use super::error::RequestError;
use super::fetch::epoch;
use super::header::MaybeHeaders;
use super::publish::{Original, PublishError, Published};
use super::subject;
use crate::task::{EpochMs, State, TaskId};
use crate::wire::header::MSG_ID;
use crate::wire::{Blocked, Malformed, MessageKind, blocked_headers, message_id, read_blocked, read_fence};

/// A task that waits, whole.
#[derive(Debug, Clone)]
pub struct Aside {
    /// Its sequence in `FL_HELD`.
    pub sequence: u64,
    /// Since when it waits.
    pub stored_at: EpochMs,
    /// The task, and what it waits for.
    pub blocked: Blocked,
    /// Headers and body as they came.
    pub original: Original,
}

/// Tasks that wait: all there are, then each that comes.
pub struct BlockedFeed(Ordered);

/// Terminal records from the moment on at which it was opened.
pub struct EndingFeed(Ordered);

impl Broker {
    /// Puts a task aside until what it waits for is there. It is accepted when this returns.
    ///
    /// # Errors
    /// As [`Broker::publish_task`].
    pub async fn publish_blocked(
        &self,
        blocked: &Blocked,
        original: &Original,
    ) -> Result<Published, PublishError> {
        let task = &blocked.task;
        let mut headers = blocked_headers(blocked);
        headers.set(MSG_ID, message_id(MessageKind::Blocked, &task.id, task.hop));
        self.publish(
            subject::held(&task.id),
            original.carry(headers),
            original.body.clone(),
        )
        .await
    }

    /// The task as it waits; none where it does not, also while it is only being moved.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer. One that waits and cannot be read counts as none.
    pub async fn aside(&self, id: &TaskId) -> Result<Option<Aside>, RequestError> {
        let Some(message) = self.last(subject::HELD, &subject::held(id)).await? else {
            return Ok(None);
        };
        let stored_at = epoch(&message);
        let headers = MaybeHeaders(Some(&message.headers));
        let read = read_blocked(&headers, &message.payload, message.sequence, stored_at);
        let Ok(Some(blocked)) = read else {
            return Ok(None);
        };
        Ok(Some(Aside {
            sequence: message.sequence,
            stored_at,
            blocked,
            original: Original {
                body: message.payload,
                headers: Some(message.headers),
            },
        }))
    }

    /// Hears of all tasks that wait, and then of each that begins to.
    ///
    /// # Errors
    /// [`RequestError`] when the stream is missing or the server does not answer.
    pub async fn blocked_feed(&self) -> Result<BlockedFeed, RequestError> {
        let feed = self
            .ordered(subject::HELD, "fl.held.*", DeliverPolicy::All)
            .await?;
        Ok(BlockedFeed(feed))
    }

    /// Hears of every terminal record that is written from now on. Exists at the server for as long as it is read.
    ///
    /// # Errors
    /// As [`Broker::blocked_feed`].
    pub async fn ending_feed(&self) -> Result<EndingFeed, RequestError> {
        let operation = format!("read where {} ends", subject::RESULTS);
        let stream = self.context.get_stream(subject::RESULTS).await;
        let stream = stream.map_err(RequestError::of(operation))?;
        // A number instead of "new": one that is opened anew by the client would skip what came in between.
        let start_sequence = stream.cached_info().state.last_sequence + 1;
        let policy = DeliverPolicy::ByStartSequence { start_sequence };
        let feed = self.ordered(subject::RESULTS, "fl.result.*", policy).await?;
        Ok(EndingFeed(feed))
    }

    async fn ordered(
        &self,
        stream: &str,
        filter: &str,
        deliver_policy: DeliverPolicy,
    ) -> Result<Ordered, RequestError> {
        let operation = format!("hear {filter} of {stream}");
        let config = OrderedConfig {
            filter_subject: filter.to_owned(),
            headers_only: true,
            deliver_policy,
            ..OrderedConfig::default()
        };
        let made = self.context.create_consumer_on_stream(config, stream).await;
        let made: Consumer<OrderedConfig> = made.map_err(RequestError::of(operation.clone()))?;
        made.messages().await.map_err(RequestError::of(operation))
    }
}

impl BlockedFeed {
    /// The next task that waits, without its body; none for a message that is something else.
    ///
    /// # Errors
    /// [`RequestError`] when it cannot go on: open it anew, and begin from nothing.
    pub async fn next(&mut self) -> Result<Option<Result<Blocked, Malformed>>, RequestError> {
        let message = next(&mut self.0).await?;
        let info = message.info().map_err(RequestError::of("read what waits"))?;
        let at = EpochMs(i64::try_from(info.published.unix_timestamp_nanos() / 1_000_000).unwrap_or(0));
        let headers = MaybeHeaders(message.headers.as_ref());
        Ok(read_blocked(&headers, b"", info.stream_sequence, at).transpose())
    }
}

impl EndingFeed {
    /// The next task that has ended, and how; none for a record that says no state this version knows.
    ///
    /// # Errors
    /// As [`BlockedFeed::next`].
    pub async fn next(&mut self) -> Result<Option<(TaskId, State)>, RequestError> {
        let message = next(&mut self.0).await?;
        let id = message
            .subject
            .rsplit('.')
            .next()
            .and_then(|id| TaskId::new(id).ok());
        let fence = read_fence(&MaybeHeaders(message.headers.as_ref()));
        Ok(id.zip(fence).map(|(id, fence)| (id, fence.state)))
    }
}

async fn next(feed: &mut Ordered) -> Result<async_nats::jetstream::Message, RequestError> {
    match feed.next().await {
        Some(message) => message.map_err(RequestError::of("go on hearing")),
        None => Err(RequestError::of("go on hearing")("the stream of messages ended")),
    }
}
