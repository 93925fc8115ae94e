//! One generation of waiting pulls, which can be withdrawn without losing what is on its way.

use std::task::{Context, Poll};

use async_nats::{Client, Message, Subscriber};
use futures_util::StreamExt;

use super::error::RequestError;

/// The inbox of one generation.
pub(super) struct WaitInbox {
    pub(super) generation: u64,
    prefix: String,
    subscriber: Subscriber,
    sent: u64,
    received: u64,
}

impl WaitInbox {
    /// Subscribes to `prefix` and one token more.
    pub(super) async fn open(client: &Client, prefix: String, generation: u64) -> Result<Self, RequestError> {
        let subscriber = client.subscribe(format!("{prefix}.*")).await;
        let subscriber = subscriber.map_err(RequestError::of("subscribe to an inbox of waiting pulls"))?;
        Ok(Self {
            generation,
            prefix,
            subscriber,
            sent: 0,
            received: 0,
        })
    }

    /// The reply subject of one more pull, which will be answered once at most.
    pub(super) fn next_reply(&mut self, queue: usize) -> String {
        self.sent += 1;
        format!("{}.{queue}", self.prefix)
    }

    /// Withdraws its pulls: the server drops pulls whose inbox nobody hears.
    ///
    /// A plain unsubscribe would lose a task that is already on its way until ack_wait passes. So
    /// the server is told to end the subscription after as many messages as pulls were sent (each
    /// gets one answer at most), and the inbox is then filled up with empty messages of our own:
    /// the server ends it at once, and every answer sent before still arrives.
    pub(super) async fn close(&mut self, client: &Client) -> Result<(), RequestError> {
        let missing = self.sent.saturating_sub(self.received);
        let ended = self.subscriber.unsubscribe_after(self.sent).await;
        ended.map_err(RequestError::of("withdraw waiting pulls"))?;
        let filler = format!("{}.end", self.prefix);
        for _ in 0..missing {
            let sent = client.publish(filler.clone(), bytes::Bytes::new()).await;
            sent.map_err(RequestError::of("withdraw waiting pulls"))?;
        }
        Ok(())
    }

    /// The next message; None once it has ended.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Message>> {
        let polled = self.subscriber.poll_next_unpin(context);
        self.received += u64::from(matches!(polled, Poll::Ready(Some(_))));
        polled
    }
}
