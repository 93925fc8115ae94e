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
use super::subject;
use crate::scheduler::intake::{AskEnd, PullId, QueueId, Source};
use crate::task::Route;

/// Messages taken in one go before the intake decides again.
const TAKE_MAX: usize = 1024;

/// What came in.
#[derive(Debug)]
pub enum Pulled {
    /// A task.
    Task {
        /// From which queue.
        queue: QueueId,
        /// On which inbox.
        source: Source,
        /// The message.
        delivery: Box<Delivery>,
    },
    /// An ask ended without filling every place.
    AskEnded {
        /// Of which queue.
        queue: QueueId,
        /// Which.
        pull: PullId,
        /// How.
        end: AskEnd,
    },
    /// A wait ended without a task.
    WaitEnded {
        /// Of which queue.
        queue: QueueId,
        /// On which inbox.
        generation: u64,
        /// Whether other than by its expiry.
        refused: bool,
    },
}

struct WaitInbox {
    generation: u64,
    subscriber: Subscriber,
    sent: u64,
    received: u64,
    /// Withdrawn: only answers that were on their way still come.
    closing: bool,
}

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
        if self.waits.iter().all(|inbox| inbox.generation != generation) {
            let subscriber = self
                .broker
                .client
                .subscribe(format!("{}.w.{generation}.*", self.prefix))
                .await;
            let subscriber =
                subscriber.map_err(RequestError::of("subscribe to an inbox of waiting pulls"))?;
            self.waits.push(WaitInbox {
                generation,
                subscriber,
                sent: 0,
                received: 0,
                closing: false,
            });
        }
        if let Some(inbox) = self.waits.iter_mut().find(|inbox| inbox.generation == generation) {
            inbox.sent += 1;
        }
        let reply = format!("{}.w.{generation}.{}", self.prefix, queue.0);
        self.pull(
            queue,
            reply,
            format!(r#"{{"batch":1,"expires":{}}}"#, expires.as_nanos()),
        )
        .await
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

    /// Withdraws the waits of a generation: the server drops pulls whose inbox nobody hears.
    ///
    /// A plain unsubscribe would lose a task that is already on its way until ack_wait passes. So
    /// the server is told to end the subscription after as many messages as pulls were sent (each
    /// gets one answer at most), and the inbox is then filled up with empty messages of our own:
    /// the server ends it at once, and every answer sent before still arrives.
    ///
    /// # Errors
    /// When the connection is gone, and the waits with it.
    pub async fn close_waits(&mut self, generation: u64) -> Result<(), RequestError> {
        let Some(inbox) = self.waits.iter_mut().find(|inbox| inbox.generation == generation) else {
            return Ok(());
        };
        inbox.closing = true;
        let missing = inbox.sent.saturating_sub(inbox.received);
        let ended = inbox.subscriber.unsubscribe_after(inbox.sent).await;
        ended.map_err(RequestError::of("withdraw waiting pulls"))?;
        let filler = format!("{}.w.{generation}.end", self.prefix);
        for _ in 0..missing {
            let sent = self
                .broker
                .client
                .publish(filler.clone(), bytes::Bytes::new())
                .await;
            sent.map_err(RequestError::of("withdraw waiting pulls"))?;
        }
        Ok(())
    }

    /// The connection was lost: the pulls of withdrawn inboxes went with it, and what would have ended
    /// them may have too.
    pub fn reconnected(&mut self) {
        self.waits.retain(|inbox| !inbox.closing);
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
            match inbox.subscriber.poll_next_unpin(context) {
                Poll::Ready(Some(message)) => {
                    inbox.received += 1;
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
        if let Some(reply) = message
            .reply
            .as_ref()
            .filter(|reply| reply.starts_with("$JS.ACK."))
        {
            let queue = *self.by_consumer.get(consumer_of(reply)?)?;
            let delivery = Box::new(Delivery::of(message)?);
            return Some(Pulled::Task {
                queue,
                source,
                delivery,
            });
        }
        let mut tokens = message.subject[self.prefix.len()..].rsplit('.');
        let last: u64 = tokens.next()?.parse().ok()?;
        let status = message.status?.as_u16();
        match source {
            Source::Ask => {
                let queue = QueueId(tokens.next()?.parse().ok()?);
                let unfilled = message
                    .headers
                    .as_ref()
                    .and_then(|h| h.get("Nats-Pending-Messages"));
                let unfilled = unfilled.and_then(|value| value.as_str().parse().ok());
                let end = match (status, unfilled) {
                    (404, _) => AskEnd::Empty,
                    (408, Some(unfilled)) => AskEnd::Expired { unfilled },
                    (100, _) => return None,
                    _ => AskEnd::Refused,
                };
                Some(Pulled::AskEnded {
                    queue,
                    pull: PullId(last),
                    end,
                })
            }
            Source::Wait => {
                let refused = status != 408;
                Some(Pulled::WaitEnded {
                    queue: QueueId(usize::try_from(last).ok()?),
                    generation,
                    refused,
                })
            }
        }
    }
}

/// `<stream>.<consumer>` of an ack subject in either form.
fn consumer_of(reply: &str) -> Option<&str> {
    let rest = reply.strip_prefix("$JS.ACK.")?;
    let dots: Vec<usize> = rest.match_indices('.').map(|(at, _)| at).collect();
    let (from, to) = if dots.len() == 6 {
        (0, dots[1])
    } else {
        (dots.get(1)? + 1, *dots.get(3)?)
    };
    rest.get(from..to)
}
