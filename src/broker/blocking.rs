//! Tasks that wait aside, in `FL_HELD`, and hearing of what they wait for.
//!
//! Whoever leads reads all that waits, then what has come since. Records are heard through an ordered consumer, which
//! misses nothing and acks nothing, so that a result that is heard costs its worker nothing.

use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::jetstream::consumer::{Consumer, DeliverPolicy};
use async_nats::jetstream::message::PublishMessage;
use futures_util::StreamExt;

use super::connect::Broker;
use super::error::{RequestError, WriteError};
use super::fetch::epoch;
use super::header::{MaybeHeaders, to_map};
use super::publish::{FENCED, Original, PublishError, Published, server_code};
use super::scan::Scope;
use super::subject;
use crate::task::{EpochMs, State, TaskId};
use crate::wire::header::{BLOCKED, HOP, MSG_ID};
use crate::wire::{
    Blocked, Headers, Malformed, MessageKind, ReadHeaders, blocked_headers, message_id, read_blocked,
    read_fence,
};

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

/// Tasks that wait: all there are, then those that have come since. Read in pages, over the connection of scans:
/// anybody may have put there what ends a connection.
pub struct BlockedFeed {
    from: u64,
}

/// What lies aside of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lying {
    /// Its sequence in `FL_HELD`.
    pub(super) sequence: u64,
    /// Of a safe copy, the hop that it is moved as.
    pub(super) hop: u32,
    /// Whether it waits there; otherwise it is the safe copy of a move.
    pub(super) waits: bool,
}

/// Terminal records from the moment on at which it was opened.
pub struct EndingFeed(Ordered);

impl Broker {
    /// Puts a new task aside until what it waits for is there. It is accepted when this returns.
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

    /// Puts a task aside that was on its lane. Nothing is stored where a later hop of it waits or is moved already: one that
    /// was held up, by a worker that died or was frozen, would take the place of that one, and be swallowed as it goes
    /// on, since its next hop was published before.
    ///
    /// # Errors
    /// [`WriteError`]; putting it aside again is safe.
    pub async fn put_aside(&self, blocked: &Blocked, original: &Original) -> Result<(), WriteError> {
        let task = &blocked.task;
        let mut headers = blocked_headers(blocked);
        headers.set(MSG_ID, message_id(MessageKind::Blocked, &task.id, task.hop));
        let headers = original.carry(headers);
        let is_overtaken = |lying: Lying| lying.hop > task.hop || (lying.waits && lying.hop == task.hop);
        self.lay(&task.id, &headers, original, is_overtaken).await?;
        Ok(())
    }

    /// Lays a message aside in the place of what lies there of its task, unless that is what `keeps` says. The sequence
    /// of what lies there then, if it is the message.
    pub(super) async fn lay(
        &self,
        id: &TaskId,
        headers: &Headers,
        original: &Original,
        keeps: impl Fn(Lying) -> bool,
    ) -> Result<Option<u64>, WriteError> {
        let (subject, mut expected) = (subject::held(id), 0);
        // Again only where somebody else wrote in between.
        loop {
            let message = PublishMessage::build()
                .headers(to_map(headers))
                .payload(original.body.clone())
                .expected_last_subject_sequence(expected);
            match self.send(&subject, message).await {
                Ok(ack) => return Ok(Some(ack.sequence)),
                Err(error) if server_code(&error) == Some(FENCED) => (),
                Err(error) => return Err(self.explain(subject, original.body.len(), error).into()),
            }
            expected = match self.lying(id).await? {
                Some(lying) if keeps(lying) => return Ok(None),
                lying => lying.map_or(0, |lying| lying.sequence),
            };
        }
    }

    async fn lying(&self, id: &TaskId) -> Result<Option<Lying>, RequestError> {
        let found = self.last(subject::HELD, &subject::held(id)).await?;
        Ok(found.map(|message| {
            let hop = message.headers.header(HOP).and_then(|hop| hop.parse().ok());
            Lying {
                sequence: message.sequence,
                hop: hop.unwrap_or(0),
                waits: message.headers.header(BLOCKED).is_some(),
            }
        }))
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

    /// Hears of every terminal record that is written from now on. Exists at the server for as long as it is read.
    ///
    /// # Errors
    /// [`RequestError`] when the stream is missing or the server does not answer.
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

    pub(super) async fn ordered(
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

impl Default for BlockedFeed {
    fn default() -> Self {
        Self { from: 1 }
    }
}

impl BlockedFeed {
    /// The next page of tasks that wait; empty when there are no more for now.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer; going on is safe.
    pub async fn next(&mut self, broker: &Broker) -> Result<Vec<Result<Blocked, Malformed>>, RequestError> {
        let mut found = Vec::new();
        // A page may hold nothing but safe copies and what cannot be read.
        while found.is_empty() {
            let page = broker.page(Scope::of(subject::HELD), self.from).await?;
            let Some(last) = page.last() else {
                break;
            };
            self.from = last.sequence + 1;
            let read = page.iter().filter_map(|message| {
                let original = &message.original;
                let (sequence, at) = (message.sequence, message.stored_at);
                read_blocked(&original.headers(), &original.body, sequence, at).transpose()
            });
            found.extend(read);
        }
        Ok(found)
    }
}

impl EndingFeed {
    /// The next task that has ended, and how; none for a record that says no state this version knows.
    ///
    /// # Errors
    /// [`RequestError`] when it cannot go on: open it anew, and begin from nothing.
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

pub(super) async fn next(feed: &mut Ordered) -> Result<async_nats::jetstream::Message, RequestError> {
    match feed.next().await {
        Some(message) => message.map_err(RequestError::of("go on hearing")),
        None => Err(RequestError::of("go on hearing")("the stream of messages ended")),
    }
}
