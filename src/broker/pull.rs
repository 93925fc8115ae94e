//! The worker's pulls: one inbox for all asks, one per generation of waits.
//!
//! A delivered message keeps its own subject, so which consumer it came from is read off its ack
//! subject; statuses arrive on the reply subject, which names queue and pull.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures_util::StreamExt;

use super::connect::Broker;
use super::delivery::Delivery;
use super::error::RequestError;
use super::pulled::{Pulled, consumer_of, status};
use super::subject;
use super::wait_inbox::WaitInbox;
use crate::scheduler::intake::{PullId, QueueId, Source};
use crate::task::Route;

/// Messages taken in one go before the intake decides again.
const TAKE_MAX: usize = 1024;

/// The pulls of one worker.
pub struct Puller {
    broker: Broker,
    prefix: String,
    asks: Subscriber,
    waits: Vec<WaitInbox>,
    queues: Vec<Arc<Route>>,
    /// `<stream>.<consumer>` as in ack subjects.
    by_consumer: HashMap<String, QueueId>,
}

impl Puller {
    /// Opens the inbox of asks.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn open(broker: Broker) -> Result<Self, RequestError> {
        let prefix = broker.client.new_inbox();
        let asks = broker.client.subscribe(format!("{prefix}.a.*.*")).await;
        let asks = asks.map_err(RequestError::of("subscribe to the inbox of pulls"))?;
        Ok(Self {
            broker,
            prefix,
            asks,
            waits: Vec::new(),
            queues: Vec::new(),
            by_consumer: HashMap::new(),
        })
    }

    /// Adds the queue `id`; ids are given in order.
    pub fn add(&mut self, id: QueueId, route: Route) {
        debug_assert_eq!(id.0, self.queues.len());
        let key = format!(
            "{}.{}",
            subject::lane_stream(route.lane),
            subject::consumer(&route)
        );
        self.by_consumer.insert(key, id);
        self.queues.push(Arc::new(route));
    }

    /// The route of a queue.
    #[must_use]
    pub fn route(&self, queue: QueueId) -> &Arc<Route> {
        &self.queues[queue.0]
    }

    /// What each queue is called, for people.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let name =
            |route: &Arc<Route>| format!("{}.{}.{}.{}", route.lane, route.class, route.model, route.shard);
        self.queues.iter().map(name).collect()
    }

    /// Whether no inbox of waits is open, closing ones included.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.waits.is_empty()
    }

    /// The queue of a route, if it was added.
    #[must_use]
    pub fn queue(&self, route: &Route) -> Option<QueueId> {
        self.queues
            .iter()
            .position(|known| **known == *route)
            .map(QueueId)
    }

    /// Sends an ask.
    ///
    /// # Errors
    /// When the connection is gone; the intake's deadline frees the places.
    pub async fn ask(
        &self,
        queue: QueueId,
        pull: PullId,
        batch: u32,
        expires: Duration,
    ) -> Result<(), RequestError> {
        let reply = format!("{}.a.{}.{}", self.prefix, queue.0, pull.0);
        let request = format!(
            r#"{{"batch":{batch},"no_wait":true,"expires":{}}}"#,
            expires.as_nanos()
        );
        self.pull(queue, reply, request).await
    }

    /// Sends a wait for one task, opening the inbox of its generation when it is the first.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn wait(
        &mut self,
        queue: QueueId,
        generation: u64,
        expires: Duration,
    ) -> Result<(), RequestError> {
        let found = self.waits.iter().position(|inbox| inbox.generation == generation);
        let at = match found {
            Some(at) => at,
            None => {
                let prefix = format!("{}.w.{generation}", self.prefix);
                self.waits
                    .push(WaitInbox::open(&self.broker.client, prefix, generation).await?);
                self.waits.len() - 1
            }
        };
        let reply = self.waits[at].next_reply(queue.0);
        let request = format!(r#"{{"batch":1,"expires":{}}}"#, expires.as_nanos());
        self.pull(queue, reply, request).await
    }

    async fn pull(&self, queue: QueueId, reply: String, request: String) -> Result<(), RequestError> {
        // One that waits for the connection would be answered when nobody expects it any more.
        if !self.broker.is_connected() {
            return Ok(());
        }
        let route = &self.queues[queue.0];
        let (stream, consumer) = (subject::lane_stream(route.lane), subject::consumer(route));
        let next = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}");
        let sent = self
            .broker
            .client
            .publish_with_reply(next, reply, request.into())
            .await;
        sent.map_err(RequestError::of("send a pull"))
    }

    /// Withdraws the waits of a generation; what is on its way still arrives.
    ///
    /// # Errors
    /// When the connection is gone, and the waits with it.
    pub async fn close_waits(&mut self, generation: u64) -> Result<(), RequestError> {
        match self.waits.iter_mut().find(|inbox| inbox.generation == generation) {
            Some(inbox) => inbox.close(&self.broker.client).await,
            None => Ok(()),
        }
    }

    /// The connection was lost, and every pull with it. An inbox that lived on would count what it sent
    /// before, and the server does not.
    pub fn reconnected(&mut self) {
        self.waits.clear();
    }

    /// Waits for something to come in, then takes all that is there: nothing when it was only that
    /// an inbox of withdrawn waits has ended.
    pub async fn next(&mut self, into: &mut Vec<Pulled>) {
        let inboxes = self.waits.len();
        poll_fn(|context| {
            while into.len() < TAKE_MAX {
                match self.poll_one(context) {
                    Poll::Ready(Some(pulled)) => into.push(pulled),
                    Poll::Ready(None) => (),
                    Poll::Pending => break,
                }
            }
            if into.is_empty() && self.waits.len() == inboxes {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }

    /// Ready with None when a message told nothing.
    fn poll_one(&mut self, context: &mut Context<'_>) -> Poll<Option<Pulled>> {
        if let Poll::Ready(Some(message)) = self.asks.poll_next_unpin(context) {
            return Poll::Ready(self.read(message, Source::Ask, 0));
        }
        let mut at = 0;
        while at < self.waits.len() {
            let inbox = &mut self.waits[at];
            match inbox.poll_next(context) {
                Poll::Ready(Some(message)) => {
                    let generation = inbox.generation;
                    return Poll::Ready(self.read(message, Source::Wait, generation));
                }
                Poll::Ready(None) => {
                    self.waits.swap_remove(at);
                }
                Poll::Pending => at += 1,
            }
        }
        Poll::Pending
    }

    fn read(&self, message: Message, source: Source, generation: u64) -> Option<Pulled> {
        if let Some(consumer) = consumer_of(&message) {
            let queue = *self.by_consumer.get(consumer)?;
            let delivery = Box::new(Delivery::of(message)?);
            return Some(Pulled::Task {
                queue,
                source,
                delivery,
            });
        }
        let tail = message.subject.strip_prefix(self.prefix.as_str())?;
        status(&message, tail, source, generation)
    }
}
