//! What a worker holds of a task until it acks: ending it consumes it, keeping it alive borrows it.

use std::time::Duration;

use async_nats::Subject;

use super::connect::Broker;

/// How long an answer may wait for room in the client while the server is away.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// A delivered message that has not been acked. Dropping it leaves the message to ack_wait.
#[derive(Debug)]
#[must_use = "a lease that is dropped holds its message until ack_wait"]
pub struct Lease {
    reply: Subject,
}

/// The right to keep a lease alive, held apart from it by the ticker.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    reply: Subject,
}

impl Lease {
    pub(super) fn new(reply: Subject) -> Self {
        Self { reply }
    }

    /// For the ticker that keeps it alive.
    #[must_use]
    pub fn heartbeat(&self) -> Heartbeat {
        Heartbeat {
            reply: self.reply.clone(),
        }
    }
}

impl Broker {
    /// The task is done with: its result or report is stored.
    pub async fn ack(&self, lease: Lease) {
        self.answer(lease.reply, "+ACK").await;
    }

    /// The task goes back at once. It costs no attempt, but counts as a delivery.
    pub async fn hand_back(&self, lease: Lease) {
        self.answer(lease.reply, "-NAK").await;
    }

    /// The message is never to be delivered again: its dead letter is stored.
    pub async fn terminate(&self, lease: Lease) {
        self.answer(lease.reply, "+TERM").await;
    }

    /// The task is still being worked on; ack_wait starts anew.
    pub async fn keep_alive(&self, heartbeat: &Heartbeat) {
        // A sign of life that waits for the connection comes too late to be one.
        if self.is_connected() {
            self.answer(heartbeat.reply.clone(), "+WPI").await;
        }
    }

    /// Acks are not answered: what does not arrive is redelivered, and the fence keeps it from
    /// having a second result.
    async fn answer(&self, reply: Subject, word: &'static str) {
        let sent = tokio::time::timeout(ANSWER_TIMEOUT, self.client.publish(reply, word.into()));
        match sent.await {
            Ok(Ok(())) => (),
            Ok(Err(error)) => tracing::warn!(%error, word, "a delivery was not answered; it will come again"),
            Err(_) => tracing::warn!(word, "no connection to answer a delivery; it will come again"),
        }
    }
}
