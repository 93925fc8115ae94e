//! Borrowing tokens of rates from whoever leads, and lending them.

use async_nats::Subscriber;
use bytes::Bytes;
use futures_util::StreamExt;

use super::connect::Broker;
use super::error::RequestError;
use super::subject;
use crate::scheduler::rate::{Lent, Plea};
use crate::wire::{lent_body, plea_body, read_lent, read_plea};

/// One worker's way to the lender.
pub struct Borrower {
    broker: Broker,
    inbox: String,
    lent: Subscriber,
}

/// The lender's side: pleas of all workers, as they come.
pub struct Pleas(Subscriber);

impl Broker {
    /// Opens the inbox that answers and tokens come to.
    ///
    /// # Errors
    /// [`RequestError`] when the connection is closed.
    pub async fn borrower(&self) -> Result<Borrower, RequestError> {
        let inbox = self.client.new_inbox();
        let lent = self.client.subscribe(inbox.clone()).await;
        Ok(Borrower {
            broker: self.clone(),
            inbox,
            lent: lent.map_err(RequestError::of("subscribe to tokens"))?,
        })
    }

    /// Listens to pleas. Every coordinator hears them, and one answers.
    ///
    /// # Errors
    /// As [`Broker::borrower`].
    pub async fn pleas(&self) -> Result<Pleas, RequestError> {
        let heard = self.client.subscribe(subject::RATE).await;
        Ok(Pleas(
            heard.map_err(RequestError::of("listen to pleas for tokens"))?,
        ))
    }

    /// Answers a plea, or sends tokens that have come since.
    ///
    /// # Errors
    /// As [`Broker::borrower`].
    pub async fn lend(&self, to: String, lent: &Lent) -> Result<(), RequestError> {
        let sent = self.client.publish(to, Bytes::from(lent_body(lent))).await;
        sent.map_err(RequestError::of("lend tokens"))
    }
}

impl Borrower {
    /// Sends a plea, unless the connection is lost: one that waited would ask for what nobody can use any more.
    ///
    /// # Errors
    /// As [`Broker::borrower`].
    pub async fn plead(&self, plea: &Plea) -> Result<(), RequestError> {
        if !self.broker.is_connected() {
            return Ok(());
        }
        let (inbox, body) = (self.inbox.clone(), Bytes::from(plea_body(plea)));
        let sent = self
            .broker
            .client
            .publish_with_reply(subject::RATE, inbox, body)
            .await;
        sent.map_err(RequestError::of("ask for tokens"))
    }

    /// What is lent next. None when the connection is closed for good.
    pub async fn next(&mut self) -> Option<Lent> {
        loop {
            let message = self.lent.next().await?;
            match read_lent(&message.payload) {
                Ok(lent) => return Some(lent),
                Err(error) => tracing::debug!(%error, "an answer to a plea cannot be read"),
            }
        }
    }
}

impl Pleas {
    /// The next plea, and where its answers go. None when the connection is closed for good.
    pub async fn next(&mut self) -> Option<(String, Plea)> {
        loop {
            let message = self.0.next().await?;
            match (message.reply, read_plea(&message.payload)) {
                (Some(to), Ok(plea)) => return Some((to.to_string(), plea)),
                (None, _) => tracing::debug!("a plea for tokens says nowhere to answer to"),
                (_, Err(error)) => tracing::debug!(%error, "a plea for tokens cannot be read"),
            }
        }
    }
}
