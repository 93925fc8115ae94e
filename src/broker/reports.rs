//! The coordinator's side of `FL_RETRY`: failure reports, and retries whose time has come.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use futures_util::StreamExt;

use super::connect::Broker;
use super::delivery::Delivery;
use super::error::RequestError;
use super::subject;

/// Reports handled at once by one coordinator; the server keeps the rest.
const BATCH: usize = 256;
/// Tasks out at once over all coordinators.
const MAX_ACK_PENDING: i64 = 4096;
/// How long a coordinator may take over one report before another gets it.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// Kept well under the time after which the client drops what it has not handed out.
const EXPIRES: Duration = Duration::from_secs(10);
/// Missing twice means that the consumer is to be opened anew.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// Which part of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetrySource {
    /// Failure reports.
    Reports,
    /// Retries whose time has come.
    Due,
}

impl RetrySource {
    const fn durable(self) -> &'static str {
        match self {
            RetrySource::Reports => "reports",
            RetrySource::Due => "due",
        }
    }

    const fn filter(self) -> &'static str {
        match self {
            RetrySource::Reports => "fl.retry.report.>",
            RetrySource::Due => "fl.retry.due.>",
        }
    }
}

/// Messages of one source, for ever.
pub struct RetryStream {
    messages: pull::Stream,
}

impl Broker {
    /// Opens a source; coordinators share it.
    ///
    /// # Errors
    /// [`RequestError`] when the stream is missing or the server does not answer.
    pub async fn retries(&self, source: RetrySource) -> Result<RetryStream, RequestError> {
        let operation = format!("consume {} of {}", source.filter(), subject::RETRY);
        let config = pull::Config {
            durable_name: Some(source.durable().to_owned()),
            filter_subject: source.filter().to_owned(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: MAX_ACK_PENDING,
            ..pull::Config::default()
        };
        let consumer: PullConsumer = self
            .context
            .create_consumer_on_stream(config, subject::RETRY)
            .await
            .map_err(RequestError::of(operation.clone()))?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(BATCH)
            .expires(EXPIRES)
            .heartbeat(HEARTBEAT)
            .messages()
            .await
            .map_err(RequestError::of(operation))?;
        Ok(RetryStream { messages })
    }
}

impl RetryStream {
    /// The next message. Open the source anew after an error.
    ///
    /// # Errors
    /// [`RequestError`] when heartbeats are missing or the consumer is gone.
    pub async fn next(&mut self) -> Result<Delivery, RequestError> {
        loop {
            let Some(next) = self.messages.next().await else {
                return Err(RequestError::of("go on with FL_RETRY")(
                    "the stream of messages ended",
                ));
            };
            let message = next.map_err(RequestError::of("go on with FL_RETRY"))?;
            if let Some(delivery) = Delivery::of(message.message) {
                return Ok(delivery);
            }
        }
    }
}
