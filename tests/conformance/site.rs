//! A mesh with a worker on it, and what a bystander can put in and see.

use std::collections::BTreeMap;

use async_nats::HeaderMap;
use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::PullConsumer;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::worker::{Kind, Worker};
use crate::support::{Answer, Answers, Bare, Mesh, PATIENCE};

/// One class and model; leases are short, and failed tasks are tried again at once, three times in all.
pub(super) const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 64, timeout_ms: 30000, ack_wait_ms: 1500, max_priority: 9 }
  normal: { concurrency: 64, timeout_ms: 30000, ack_wait_ms: 1500 }
classes:
  pay: { priority: 1, share: 100 }
default_class: pay
models:
  m: { executor: simulate, cost: { unit: ms, initial: 5 } }
retry: { kind: fixed, base_ms: 1, factor: 1, max_ms: 1, jitter: none, max_attempts: 3 }
";

/// Longer than two leases: who sends no signs of life loses such a task.
pub(super) const LONG: &str = r#"{"service_ms":3200}"#;
/// Longer than any test.
pub(super) const ENDLESS: &str = r#"{"service_ms":600000}"#;

/// Where the tasks here are published.
const SUBJECT: &str = "fl.task.core.pay.m.0";

/// A mesh, a worker of one kind on it once it was asked for, and a bystander.
pub(super) struct Site {
    kind: Kind,
    pub(super) mesh: Mesh,
    pub(super) bare: Bare,
    pub(super) answers: Answers,
}

impl Site {
    pub(super) async fn open(kind: Kind) -> Self {
        let mesh = Mesh::start(POLICY).await;
        let bare = Bare::of(&mesh.server).await;
        let answers = Answers::on(&mesh.server).await;
        Self {
            kind,
            mesh,
            bare,
            answers,
        }
    }

    pub(super) async fn worker(&self, slots: u32) -> Worker {
        Worker::start(self.kind, self.mesh.server.url(), slots).await
    }

    /// Publishes a task; its sequence.
    pub(super) async fn put(&self, headers: &[(&str, &str)], body: impl Into<Bytes>) -> u64 {
        let stored = self.bare.publish(SUBJECT, headers, body).await;
        stored.expect("the lane takes it").sequence
    }

    /// Publishes a task of `id` with `input`, which is JSON, and `headers`.
    pub(super) async fn task(&self, id: &str, headers: &[(&str, &str)], input: &str) -> String {
        let body = format!(r#"{{ "task_id":"{id}","model":"m","input":{input} }}"#);
        self.put(headers, body.clone()).await;
        body
    }

    /// Takes the first task of the lane and gives it back, so often.
    pub(super) async fn take_and_give_back(&mut self, times: u64) {
        let consumer = self.bare.jetstream.get_consumer_from_stream("pay=m=0", "FL_CORE");
        let consumer: PullConsumer = consumer.await.expect("the coordinator made it");
        for _ in 0..times {
            let taken = consumer
                .batch()
                .max_messages(1)
                .expires(PATIENCE)
                .messages()
                .await;
            let task = taken.expect("NATS answers").next().await;
            let task = task.expect("it is there").expect("NATS answers");
            task.ack_with(AckKind::Nak(None)).await.expect("NATS answers");
            // What is said from now on is said by others.
            assert_eq!(self.answers.next().await.word, "-NAK");
        }
    }

    /// Writes a record as somebody else would; its sequence.
    pub(super) async fn record(&self, id: &str, state: &str) -> u64 {
        let headers = [
            ("Fl-Version", "1"),
            ("Fl-State", state),
            ("Fl-Hop", "0"),
            ("Fl-Attempt", "0"),
            ("Fl-Class", "pay"),
            ("Fl-Tenant", "default"),
            ("Fl-Worker", "other"),
            ("Content-Type", "application/json"),
            ("Nats-Expected-Last-Subject-Sequence", "0"),
        ];
        let body = json!({ "task_id": id, "state": state, "output": null, "usage": {}, "error": null,
            "worker": "other", "attempt": 0, "queued_ms": 0, "exec_ms": 0 });
        let subject = format!("fl.result.{id}");
        let stored = self.bare.publish(&subject, &headers, body.to_string()).await;
        stored.expect("nothing stands there yet").sequence
    }

    /// Tells that a task is cancelled, whether it is or not.
    pub(super) async fn tell_cancelled(&self, id: &str) {
        let told = self
            .bare
            .client
            .publish(format!("fl.ctl.cancel.{id}"), Bytes::new());
        told.await.expect("NATS takes it");
        self.bare.client.flush().await.expect("NATS takes it");
    }

    /// Waits for a sign of life: a task runs.
    pub(super) async fn until_running(&mut self, count: usize) {
        self.answers.until("+WPI", count).await;
    }

    /// The next answer that ends a delivery.
    pub(super) async fn next_end(&mut self) -> Answer {
        loop {
            let answer = self.answers.next().await;
            if answer.stream == "FL_CORE" && answer.word != "+WPI" {
                return answer;
            }
        }
    }

    /// How many messages a stream ever took.
    pub(super) async fn ever(&self, stream: &str) -> u64 {
        self.bare.stream(stream).await.last_sequence
    }

    /// Stops the worker, finds that it had no trouble, and ends the mesh.
    pub(super) async fn close(self, worker: Worker) {
        worker.drain();
        worker.ended().await;
        self.mesh.stop().await;
    }
}

/// The headers of a message by name, without those for the server.
pub(super) fn headers(map: &HeaderMap) -> BTreeMap<String, String> {
    let all = map.iter().map(|(name, values)| {
        let [value] = &values[..] else {
            panic!("{name} is there {} times", values.len());
        };
        (name.to_string(), value.to_string())
    });
    all.filter(|(name, _)| !name.starts_with("Nats-")).collect()
}

/// One header.
pub(super) fn header<'a>(map: &'a HeaderMap, name: &str) -> &'a str {
    map.get(name).unwrap_or_else(|| panic!("no {name}")).as_str()
}

/// Takes a number out of headers.
pub(super) fn number(of: &mut BTreeMap<String, String>, name: &str) -> u64 {
    let text = of.remove(name).unwrap_or_else(|| panic!("no {name}"));
    text.parse().unwrap_or_else(|_| panic!("{name}: {text}"))
}

/// JSON that was written by a worker.
pub(super) fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}
