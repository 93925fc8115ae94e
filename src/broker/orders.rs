//! Telling one worker what to do: it answers, or nobody of that name is there.

use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::{Subject, Subscriber};
use futures_util::StreamExt;

use super::connect::Broker;
use super::error::RequestError;
use super::subject;
use crate::task::WorkerId;
use crate::wire::{Obeyed, Order, obeyed_body, order_body, read_obeyed, read_order};

/// How long a worker may take to answer: it does so between two steps of its loop.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// An order that was not carried out, as far as is known.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// Nobody listens under that name.
    #[error("no worker {0} listens")]
    Nobody(WorkerId),
    /// It listens and does not answer.
    #[error(
        "the worker {0} did not answer within 3 s; it may be frozen or cut off, and may still do it later: \
         see `fairlane worker get {0}`"
    )]
    Silent(WorkerId),
    /// It answered that it does not.
    #[error("the worker {worker} refused: {what}")]
    Refused {
        /// Which.
        worker: WorkerId,
        /// Why.
        what: String,
    },
    /// The order could not be sent.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// Orders to one worker, as they come.
pub struct Orders(Subscriber);

/// Where an answer goes.
pub struct AnswerTo {
    broker: Broker,
    to: Option<Subject>,
}

impl Broker {
    /// Tells a worker what to do, and waits for its answer.
    ///
    /// # Errors
    /// [`OrderError`].
    pub async fn order(&self, worker: &WorkerId, order: Order) -> Result<Obeyed, OrderError> {
        let asked = self
            .client
            .request(subject::orders(worker), order_body(order).into());
        let Ok(answered) = tokio::time::timeout(ANSWER_WITHIN, asked).await else {
            return Err(OrderError::Silent(worker.clone()));
        };
        match answered {
            Ok(answer) => read_obeyed(&answer.payload).map_err(|what| OrderError::Refused {
                worker: worker.clone(),
                what,
            }),
            Err(error) => Err(match error.kind() {
                RequestErrorKind::NoResponders => OrderError::Nobody(worker.clone()),
                RequestErrorKind::TimedOut => OrderError::Silent(worker.clone()),
                _ => {
                    RequestError::of(format!("tell the worker {worker} to {}", order.as_str()))(error).into()
                }
            }),
        }
    }

    /// Listens to orders for `worker`.
    ///
    /// # Errors
    /// [`RequestError`] when the connection is closed.
    pub async fn orders(&self, worker: &WorkerId) -> Result<Orders, RequestError> {
        let heard = self.client.subscribe(subject::orders(worker)).await;
        Ok(Orders(heard.map_err(RequestError::of("listen to orders"))?))
    }
}

impl Orders {
    /// The next order, or what is wrong with it, and where the answer goes. None when the connection is closed for good.
    pub async fn next(&mut self, broker: &Broker) -> Option<(Result<Order, String>, AnswerTo)> {
        let message = self.0.next().await?;
        let answer = AnswerTo {
            broker: broker.clone(),
            to: message.reply,
        };
        Some((read_order(&message.payload), answer))
    }
}

impl AnswerTo {
    /// Answers. Whoever asked without a place for an answer gets none.
    pub async fn send(self, obeyed: Result<Obeyed, String>) {
        let Some(to) = self.to else { return };
        if let Err(error) = self.broker.client.publish(to, obeyed_body(&obeyed).into()).await {
            tracing::debug!(%error, "an order was not answered");
        }
    }
}
