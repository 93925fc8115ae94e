//! A client that is none of ours: what anybody with a NATS client can send and see.

use std::time::Duration;

use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::{self, stream};
use async_nats::{Client, HeaderMap, Message, Subscriber};
use bytes::Bytes;
use fairlane::dev::Server;
use fairlane::task::Task;
use fairlane::wire::task_headers;
use futures_util::StreamExt;

use super::PATIENCE;

/// Longer than a pull of [`Bare::ask`] lives.
const ASK_EXPIRES: Duration = Duration::from_millis(200);

/// A plain connection with its JetStream context.
pub(crate) struct Bare {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
}

/// What is published on a subject from now on, whether a stream takes it or not.
pub(crate) struct Heard(Subscriber);

/// How soon a stream is looked at again in which the last ack has had no effect yet.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl Bare {
    /// A connection to `server`.
    pub(crate) async fn of(server: &Server) -> Self {
        let client = async_nats::connect(server.url()).await.expect("NATS answers");
        let jetstream = jetstream::new(client.clone());
        Self { client, jetstream }
    }

    /// Publishes and waits for the stream's answer.
    pub(crate) async fn publish(
        &self,
        subject: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<PublishAck, PublishError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, *value);
        }
        self.jetstream
            .publish_with_headers(subject.to_owned(), map, body.into())
            .await?
            .await
    }

    /// Publishes a task of the class `pay` without any header.
    pub(crate) async fn task(&self, body: impl Into<Bytes>) -> PublishAck {
        let accepted = self.publish("fl.task.core.pay.m.0", &[], body).await;
        accepted.expect("the lane takes it")
    }

    /// Reports a task as failed, as somebody else's worker would; `own` are the headers of the report.
    pub(crate) async fn report(&self, task: &Task, own: &[(&str, &str)], input: &str) {
        let of_task = task_headers(task);
        let headers: Vec<(&str, &str)> = of_task.iter().chain(own.iter().copied()).collect();
        let subject = format!("fl.retry.report.{}.{}.m", task.lane, task.class);
        let body = format!(r#"{{"task_id":"{}","model":"m","input":{input}}}"#, task.id);
        let stored = self.publish(&subject, &headers, body).await;
        stored.expect("the stream has it");
    }

    /// Listens on `subject`.
    pub(crate) async fn hear(&self, subject: &str) -> Heard {
        let heard = self.client.subscribe(subject.to_owned()).await;
        // A flush only writes; an answer shows that the server has read what came before.
        self.jetstream.query_account().await.expect("NATS answers");
        Heard(heard.expect("NATS answers"))
    }

    /// How a stream is.
    pub(crate) async fn stream(&self, name: &str) -> stream::State {
        let stream = self.jetstream.get_stream(name).await.expect("the stream exists");
        stream.cached_info().state.clone()
    }

    /// How many messages of a consumer somebody holds.
    pub(crate) async fn pending(&self, stream: &str, consumer: &str) -> usize {
        let stream = self
            .jetstream
            .get_stream(stream)
            .await
            .expect("the stream exists");
        let info = stream.consumer_info(consumer).await.expect("it exists");
        info.num_ack_pending
    }

    /// Waits until somebody holds a message of a consumer.
    pub(crate) async fn until_delivered(&self, stream: &str, consumer: &str) {
        self.until_held(stream, consumer, 1).await;
    }

    /// Waits until so many messages of a consumer are held.
    pub(crate) async fn until_held(&self, stream: &str, consumer: &str, count: usize) {
        let mut pulls = self
            .hear(&format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"))
            .await;
        let held = async {
            while self.pending(stream, consumer).await < count {
                // A pull is heard before it is answered, and one that waits is heard no more.
                let _ = tokio::time::timeout(LOOK_AGAIN, pulls.0.next()).await;
            }
        };
        tokio::time::timeout(PATIENCE, held)
            .await
            .unwrap_or_else(|_| panic!("fewer than {count} of {consumer} are held after {PATIENCE:?}"));
    }

    /// How many of them were delivered more than once.
    pub(crate) async fn redelivered(&self, stream: &str, consumer: &str) -> usize {
        let stream = self.jetstream.get_stream(stream).await.expect("it exists");
        stream
            .consumer_info(consumer)
            .await
            .expect("it exists")
            .num_redelivered
    }

    /// Gives whoever holds a message of a consumer so long to ack it.
    pub(crate) async fn ack_wait(&self, stream: &str, consumer: &str, wait: Duration) {
        let stream = self.jetstream.get_stream(stream).await.expect("it exists");
        let info = stream.consumer_info(consumer).await.expect("it exists");
        let config = pull::Config {
            durable_name: info.config.durable_name,
            filter_subject: info.config.filter_subject,
            max_ack_pending: info.config.max_ack_pending,
            ack_wait: wait,
            ..pull::Config::default()
        };
        stream.update_consumer(config).await.expect("it is changed");
    }

    /// Has the first message of a consumer delivered for the last time, and lets that time pass.
    pub(crate) async fn deliver_once(&self, stream: &str, consumer: &str) {
        let found = self.jetstream.get_stream(stream).await.expect("it exists");
        let info = found.consumer_info(consumer).await.expect("it exists");
        let config = pull::Config {
            durable_name: info.config.durable_name,
            filter_subject: info.config.filter_subject,
            max_ack_pending: info.config.max_ack_pending,
            max_waiting: info.config.max_waiting,
            ack_wait: Duration::from_millis(1),
            max_deliver: 1,
            ..pull::Config::default()
        };
        found.update_consumer(config).await.expect("it is changed");
        let advisory = format!("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{stream}.{consumer}");
        let mut given_up = self.hear(&advisory).await;
        self.ask(stream, consumer).await;
        // The server notices when it is asked again.
        let noticed = async {
            while tokio::time::timeout(LOOK_AGAIN, given_up.0.next()).await.is_err() {
                self.ask(stream, consumer).await;
            }
        };
        let noticed = tokio::time::timeout(PATIENCE, noticed).await;
        noticed.expect("the server gives it up");
    }

    /// Waits until a subject of a stream has no message.
    pub(crate) async fn until_no_message(&self, stream: &str, subject: &str) {
        let mut changes = self.hear(subject).await;
        let found = self.jetstream.get_stream(stream).await.expect("it exists");
        let gone = async {
            while found.get_last_raw_message_by_subject(subject).await.is_ok() {
                // The end of a message by its age is not told.
                let _ = tokio::time::timeout(LOOK_AGAIN, changes.0.next()).await;
            }
        };
        tokio::time::timeout(PATIENCE, gone)
            .await
            .unwrap_or_else(|_| panic!("{subject} still has a message after {PATIENCE:?}"));
    }

    /// Has a consumer deliver one message to this connection, whatever becomes of that.
    pub(crate) async fn ask(&self, stream: &str, consumer: &str) {
        let inbox = self.client.new_inbox();
        let mut delivered = self.client.subscribe(inbox.clone()).await.expect("NATS answers");
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}");
        let asked =
            self.client
                .publish_with_reply(subject, inbox, r#"{"batch":1,"expires":100000000}"#.into());
        asked.await.expect("NATS answers");
        let _ = tokio::time::timeout(ASK_EXPIRES, delivered.next()).await;
    }

    /// Waits until everything in a work queue is acked.
    pub(crate) async fn until_empty(&self, stream: &str) {
        let mut acks = self.hear(&format!("$JS.ACK.{stream}.>")).await;
        let emptied = async {
            while self.stream(stream).await.messages > 0 {
                // An ack is heard before it has its effect, so the last one may be heard too early.
                let _ = tokio::time::timeout(LOOK_AGAIN, acks.0.next()).await;
            }
        };
        tokio::time::timeout(PATIENCE, emptied)
            .await
            .unwrap_or_else(|_| panic!("{stream} is not empty after {PATIENCE:?}"));
    }

    /// How many pulls the server holds for a consumer.
    pub(crate) async fn waiting(&self, stream: &str, consumer: &str) -> usize {
        let stream = self.jetstream.get_stream(stream).await.expect("it exists");
        stream
            .consumer_info(consumer)
            .await
            .expect("it exists")
            .num_waiting
    }

    /// Lets a stream take at most so many messages.
    pub(crate) async fn limit(&self, name: &str, max_messages: i64) {
        let mut config = self
            .jetstream
            .get_stream(name)
            .await
            .expect("it exists")
            .cached_info()
            .config
            .clone();
        config.max_messages = max_messages;
        self.jetstream
            .update_stream(config)
            .await
            .expect("the limit is set");
    }

    /// Lets a consumer have at most so many messages out, whatever anybody else has said.
    pub(crate) async fn limit_consumer(&self, stream: &str, consumer: &str, max_ack_pending: i64) {
        let found = self.jetstream.get_stream(stream).await.expect("it exists");
        let info = found.consumer_info(consumer).await.expect("it exists");
        let config = pull::Config {
            durable_name: info.config.durable_name,
            filter_subject: info.config.filter_subject,
            max_ack_pending,
            max_waiting: info.config.max_waiting,
            ack_wait: info.config.ack_wait,
            max_deliver: info.config.max_deliver,
            ..pull::Config::default()
        };
        found.update_consumer(config).await.expect("it is changed");
    }

    /// The first message on `subject` of a stream, awaited.
    pub(crate) async fn first(&self, stream: &str, subject: &str) -> jetstream::Message {
        let config = pull::Config {
            filter_subject: subject.to_owned(),
            deliver_policy: DeliverPolicy::All,
            ..pull::Config::default()
        };
        let consumer = self.jetstream.create_consumer_on_stream(config, stream).await;
        let messages = consumer.expect("the stream exists").messages().await;
        let mut messages = messages.expect("NATS answers");
        let next = tokio::time::timeout(PATIENCE, messages.next()).await;
        let next = next.unwrap_or_else(|_| panic!("nothing on {subject} after {PATIENCE:?}"));
        next.expect("it goes on").expect("NATS answers")
    }
}

impl Heard {
    /// The next message.
    pub(crate) async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await;
        let next = next.unwrap_or_else(|_| panic!("nothing was heard for {PATIENCE:?}"));
        next.expect("the connection stays")
    }
}
