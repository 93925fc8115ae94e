//! The floor: the same JetStream operations as a task's way through the mesh, done by a bare
//! client loop. Performance is held against it.
//!
//! Publish with a message id, deliver, fenced result, ack; no class is chosen, nothing is timed
//! out, retried or counted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{PullConsumer, pull};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::connect::Broker;
use super::error::RequestError;
use super::header::to_map;
use super::subject;
use crate::task::{Lane, Route, Task};
use crate::wire::header::MSG_ID;
use crate::wire::{MessageKind, message_id, task_headers};

/// Publishes waiting for their ack at once; the same for floor and mesh.
pub const PUBLISH_WINDOW: usize = 1024;
/// Results waiting for their ack at once, per consumer.
const RESULT_WINDOW: usize = 1024;

/// Counts what is done and wakes whoever waits for all of it.
#[derive(Debug)]
pub struct Tally {
    done: AtomicUsize,
    all: usize,
    reached: Notify,
}

impl Tally {
    /// Waits for `all`.
    #[must_use]
    pub fn new(all: usize) -> Arc<Self> {
        Arc::new(Self {
            done: AtomicUsize::new(0),
            all,
            reached: Notify::new(),
        })
    }

    /// One more.
    pub fn add(&self) {
        if self.done.fetch_add(1, Ordering::Relaxed) + 1 >= self.all {
            self.reached.notify_waiters();
            self.reached.notify_one();
        }
    }

    /// Returns once all are done.
    pub async fn wait(&self) {
        while self.done.load(Ordering::Relaxed) < self.all {
            self.reached.notified().await;
        }
    }
}

impl Broker {
    /// Publishes `tasks` with `body`, [`PUBLISH_WINDOW`] at a time.
    ///
    /// # Errors
    /// The first publish that is not acked.
    pub async fn floor_publish(&self, tasks: Vec<Task>, body: Bytes) -> Result<(), RequestError> {
        let context = &self.context;
        let mut acks = futures_util::stream::iter(tasks)
            .map(|task| {
                let body = body.clone();
                async move {
                    let mut headers = task_headers(&task);
                    headers.set(MSG_ID, message_id(MessageKind::Task, &task.id, 0));
                    let message = PublishMessage::build().headers(to_map(&headers)).payload(body);
                    context
                        .send_publish(subject::task(&Route::of(&task)), message)
                        .await?
                        .await
                }
            })
            .buffer_unordered(PUBLISH_WINDOW);
        while let Some(ack) = acks.next().await {
            ack.map_err(RequestError::of("publish"))?;
        }
        Ok(())
    }

    /// Works off whatever the consumers of `routes` deliver until `tally` is full, `pull` tasks per
    /// request.
    ///
    /// # Errors
    /// When a consumer is missing or a result is refused.
    pub async fn floor_work(
        &self,
        routes: &[Route],
        pull: usize,
        tally: Arc<Tally>,
    ) -> Result<(), RequestError> {
        let mut loops = JoinSet::new();
        for route in routes {
            let stream = self.stream(subject::lane_stream(route.lane)).await?;
            let consumer: PullConsumer = stream
                .get_consumer(&subject::consumer(route))
                .await
                .map_err(RequestError::of("find a consumer"))?;
            let messages = consumer.stream().max_messages_per_batch(pull).messages().await;
            let messages = messages.map_err(RequestError::of("pull"))?;
            loops.spawn(work(self.clone(), messages, tally.clone()));
        }
        tokio::select! {
            () = tally.wait() => Ok(()),
            Some(ended) = loops.join_next() => {
                ended.unwrap_or(Ok(()))?;
                Err(RequestError::of("work off the tasks")("a stream of messages ended before they did"))
            }
        }
    }
}

async fn work(broker: Broker, messages: pull::Stream, tally: Arc<Tally>) -> Result<(), RequestError> {
    let (context, client, tally) = (&broker.context, &broker.client, &tally);
    let mut answered = messages
        .map(|message| async move {
            let message = message.map_err(RequestError::of("pull"))?;
            let id = message
                .headers
                .as_ref()
                .and_then(|h| h.get("Fl-Task-Id"))
                .map(|v| v.as_str().to_owned());
            let mut headers = HeaderMap::new();
            headers.insert("Fl-State", "completed");
            let result = PublishMessage::build()
                .headers(headers)
                .payload(message.payload.clone())
                .expected_last_subject_sequence(0);
            let subject = format!("fl.result.{}", id.unwrap_or_default());
            let sent = context
                .send_publish(subject, result)
                .await
                .map_err(RequestError::of("publish a result"))?;
            sent.await.map_err(RequestError::of("publish a result"))?;
            if let Some(reply) = message.reply.clone() {
                client
                    .publish(reply, Bytes::new())
                    .await
                    .map_err(RequestError::of("ack"))?;
            }
            tally.add();
            Ok::<(), RequestError>(())
        })
        .buffer_unordered(RESULT_WINDOW);
    while let Some(answer) = answered.next().await {
        answer?;
    }
    Ok(())
}

/// How often a lane is looked at until it is empty: often against the length of a run.
const LOOK_EVERY: Duration = Duration::from_millis(1);

impl Broker {
    /// Returns once no task of `routes` is queued or held: every one has been acked.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn until_empty(&self, routes: &[Route]) -> Result<(), RequestError> {
        let lanes: BTreeSet<Lane> = routes.iter().map(|route| route.lane).collect();
        for lane in lanes {
            while !self.lane_subjects(lane).await?.is_empty() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }
}
