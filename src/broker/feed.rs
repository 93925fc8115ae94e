//! What coordinators read: failure reports, retries whose time has come, results to be delivered.

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

/// Which messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// Failure reports.
    Reports,
    /// Retries whose time has come.
    Due,
    /// Firings of schedules whose time has come.
    Ticks,
    /// Results that are to be delivered now.
    Callbacks,
}

impl Feed {
    const fn durable(self) -> &'static str {
        match self {
            Feed::Reports => "reports",
            Feed::Due => "due",
            Feed::Ticks => "ticks",
            Feed::Callbacks => "callbacks",
        }
    }

    const fn stream(self) -> &'static str {
        match self {
            Feed::Reports | Feed::Due | Feed::Ticks => subject::RETRY,
            Feed::Callbacks => subject::CALLBACKS,
        }
    }

    const fn filter(self) -> &'static str {
        match self {
            Feed::Reports => "fl.retry.report.>",
            Feed::Due => "fl.retry.due.>",
            Feed::Ticks => "fl.retry.tick.*",
            // Never those that wait: acking one would cancel its timer.
            Feed::Callbacks => "fl.callback.due.*",
        }
    }
}

/// Messages of one feed, for ever.
pub struct FeedStream {
    messages: pull::Stream,
}

impl Broker {
    /// Opens a feed; coordinators share it.
    ///
    /// # Errors
    /// [`RequestError`] when the stream is missing or the server does not answer.
    pub async fn feed(&self, feed: Feed) -> Result<FeedStream, RequestError> {
        let operation = format!("consume {} of {}", feed.filter(), feed.stream());
        let config = pull::Config {
            durable_name: Some(feed.durable().to_owned()),
            filter_subject: feed.filter().to_owned(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: MAX_ACK_PENDING,
            ..pull::Config::default()
        };
        let consumer: PullConsumer = self
            .context
            .create_consumer_on_stream(config, feed.stream())
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
        Ok(FeedStream { messages })
    }
}

impl FeedStream {
    /// The next message. Open the feed anew after an error.
    ///
    /// # Errors
    /// [`RequestError`] when heartbeats are missing or the consumer is gone.
    pub async fn next(&mut self) -> Result<Delivery, RequestError> {
        loop {
            let Some(next) = self.messages.next().await else {
                return Err(RequestError::of("go on reading")("the stream of messages ended"));
            };
            let message = next.map_err(RequestError::of("go on reading"))?;
            if let Some(delivery) = Delivery::of(message.message) {
                return Ok(delivery);
            }
        }
    }
}
