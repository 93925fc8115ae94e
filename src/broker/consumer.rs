//! The durable pull consumers workers take tasks from: one per route.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Consumer, pull};
use futures_util::TryStreamExt;
use time::OffsetDateTime;

use super::connect::Broker;
use super::error::RequestError;
use super::queues::{Queue, for_ever};
use super::subject;
use crate::task::{Lane, Route};

/// Deliveries after which the server stops: a backstop for workers that do not count them.
const MAX_DELIVER: i64 = 100;
/// Pulls the server keeps per consumer: two per worker, for up to a thousand workers.
const MAX_WAITING: i64 = 2048;

/// How a route is to be consumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerSpec {
    /// What it takes.
    pub route: Route,
    /// Tasks that may be out at once; at least 1, since the server reads 0 as 1000.
    pub max_ack_pending: u32,
    /// How long the server waits for a sign of life.
    pub ack_wait: Duration,
}

/// A consumer as it is at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerFacts {
    /// What it takes.
    pub route: Route,
    /// Tasks that may be out at once.
    pub max_ack_pending: u32,
    /// How long the server waits for a sign of life.
    pub ack_wait: Duration,
}

impl Broker {
    /// Makes the consumer, or sets its limits to `spec`. One that is to be paused is made so: an update
    /// that does not say it would let it go.
    ///
    /// # Errors
    /// [`RequestError`] when the server refuses or does not answer.
    pub async fn ensure_consumer(&self, spec: &ConsumerSpec, is_paused: bool) -> Result<(), RequestError> {
        self.set_consumer(spec, is_paused.then(for_ever)).await
    }

    /// Sets the limits of a queue to `spec`. It is paused if `is_paused`, or as somebody else has paused it.
    ///
    /// # Errors
    /// As [`Broker::ensure_consumer`].
    pub async fn relimit(
        &self,
        queue: &Queue,
        spec: &ConsumerSpec,
        is_paused: bool,
    ) -> Result<(), RequestError> {
        let others = queue.paused_until.filter(|_| !queue.is_own_pause());
        let paused_until = if is_paused { Some(for_ever()) } else { others };
        self.set_consumer(spec, paused_until).await
    }

    async fn set_consumer(
        &self,
        spec: &ConsumerSpec,
        pause_until: Option<OffsetDateTime>,
    ) -> Result<(), RequestError> {
        let name = subject::consumer(&spec.route);
        let config = pull::Config {
            durable_name: Some(name.clone()),
            filter_subject: subject::task(&spec.route),
            ack_policy: AckPolicy::Explicit,
            ack_wait: spec.ack_wait,
            max_ack_pending: i64::from(spec.max_ack_pending.max(1)),
            max_deliver: MAX_DELIVER,
            max_waiting: MAX_WAITING,
            pause_until,
            ..pull::Config::default()
        };
        let stream = subject::lane_stream(spec.route.lane);
        let made: Result<Consumer<pull::Config>, _> =
            self.context.create_consumer_on_stream(config, stream).await;
        made.map(|_| ()).map_err(RequestError::of(format!(
            "create the consumer {name} of {stream}"
        )))
    }

    /// Takes a consumer away. Its tasks, if it has any, stay where they are.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer. One that is not there is gone already.
    pub async fn remove_consumer(&self, route: &Route) -> Result<(), RequestError> {
        let (name, lane) = (subject::consumer(route), subject::lane_stream(route.lane));
        let operation = format!("delete the consumer {name} of {lane}");
        let removed = self.stream(lane).await?.delete_consumer(&name).await;
        removed.map(drop).map_err(RequestError::of(operation))
    }

    /// Every task consumer of a lane. Consumers somebody else made under another name are left out.
    ///
    /// # Errors
    /// [`RequestError`] when the stream is missing or the server does not answer.
    pub async fn consumers(&self, lane: Lane) -> Result<Vec<ConsumerFacts>, RequestError> {
        let name = subject::lane_stream(lane);
        let operation = format!("list the consumers of {name}");
        let stream = self
            .context
            .get_stream_no_info(name)
            .await
            .map_err(RequestError::of(operation.clone()))?;
        let listed: Vec<_> = stream
            .consumers()
            .try_collect()
            .await
            .map_err(RequestError::of(operation))?;
        let facts = listed.into_iter().filter_map(|info| {
            let route = subject::parse_task(&info.config.filter_subject)?;
            (info.name == subject::consumer(&route)).then_some(ConsumerFacts {
                route,
                max_ack_pending: u32::try_from(info.config.max_ack_pending).unwrap_or(1),
                ack_wait: info.config.ack_wait,
            })
        });
        Ok(facts.collect())
    }

    /// The names of a lane's consumers: cheaper than their facts, for noticing new ones.
    ///
    /// # Errors
    /// As [`Broker::consumers`].
    pub async fn consumer_names(&self, lane: Lane) -> Result<Vec<String>, RequestError> {
        let name = subject::lane_stream(lane);
        let operation = format!("list the consumers of {name}");
        let stream = self
            .context
            .get_stream_no_info(name)
            .await
            .map_err(RequestError::of(operation.clone()))?;
        // Stops at the first error: the client's stream of names gives errors without end.
        stream
            .consumer_names()
            .try_collect()
            .await
            .map_err(RequestError::of(operation))
    }
}
