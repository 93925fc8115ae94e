//! Three doors and three languages at once: what was accepted comes out, once, and in its shares.

use std::collections::{HashMap, HashSet};

use async_nats::HeaderMap;
use bytes::Bytes;
use fairlane::wire::header::{CLASS, WORKER};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;
use tokio::process::Command;

use crate::conformance::clients::{self, Script};
use crate::support::{Bare, Door, Heard, Mesh, PATIENCE, Role};

const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 1024, timeout_ms: 60000, ack_wait_ms: 10000, max_priority: 9 }
  normal: { concurrency: 1024, timeout_ms: 60000, ack_wait_ms: 10000 }
classes:
  a: { priority: 1, share: 40 }
  b: { priority: 2, share: 30 }
  c: { priority: 3, share: 20 }
  d: { priority: 4, share: 10 }
default_class: d
models:
  m: { executor: simulate, cost: { unit: ms, initial: 20 } }
";

const CLASSES: [(&str, f64); 4] = [("a", 0.4), ("b", 0.3), ("c", 0.2), ("d", 0.1)];
/// Tasks through each door.
const TASKS: usize = 2000;
/// Submissions under way at once through each.
const AT_ONCE: usize = 32;
/// Places to execute in each worker.
const SLOTS: u32 = 8;
/// A class counts as backlogged while so many of its tasks are accepted and not done: all that may run
/// at once, and as many again.
const BACKLOG_MIN: usize = 2 * 3 * SLOTS as usize;

/// What the driver knows by itself: what each door confirmed, and which records it heard.
#[derive(Default)]
struct Ledger {
    accepted: HashMap<String, &'static str>,
    ended: HashMap<String, String>,
    by_worker: HashMap<String, usize>,
    /// Ends by class while every class was backlogged.
    shares: HashMap<String, usize>,
}

impl Ledger {
    fn backlogged(&self) -> bool {
        CLASSES.iter().all(|(class, _)| {
            let accepted = self.accepted.values().filter(|c| *c == class).count();
            let ended = self.ended.values().filter(|c| c == class).count();
            accepted >= ended + BACKLOG_MIN
        })
    }
}

/// A worker in another language, with the shares of the policy.
fn foreign(script: &Script, url: &str, id: &str) -> Role {
    let mut command = Command::new(&script.interpreter);
    command
        .arg(&script.path)
        .args(["--worker-id", id, "--slots", &SLOTS.to_string()]);
    for (class, share) in CLASSES {
        command.arg("--share").arg(format!("{class}={}", share * 100.0));
    }
    command.arg("m").env("NATS_URL", url);
    Role::of(command)
}

fn body(id: &str, class: &str) -> String {
    format!(r#"{{"task_id":"{id}","model":"m","class":"{class}","input":{{"service_ms":40}}}}"#)
}

/// One submission; its id and class once it is confirmed.
async fn submit(door: Door, bare: &Bare, kind: &str, n: usize) -> (String, &'static str) {
    let (class, id) = (CLASSES[n % CLASSES.len()].0, format!("{kind}-{n}"));
    let body = body(&id, class);
    match kind {
        "rest" => {
            let answered = door.post(body).await;
            assert_eq!(answered.status, 202, "{answered:?}");
        }
        "service" => {
            let asked = bare
                .client
                .request("fl.submit", body.into())
                .await
                .expect("an answer");
            let answer: Value = serde_json::from_slice(&asked.payload).expect("JSON");
            assert_eq!(answer["task_id"], Value::from(id.as_str()), "{answer}");
        }
        _ => {
            let message_id = format!("task:{id}:0");
            let subject = format!("fl.task.core.{class}.m.0");
            let headers = [("Nats-Msg-Id", message_id.as_str())];
            bare.publish(&subject, &headers, Bytes::from(body))
                .await
                .expect("a PubAck");
        }
    }
    (id, class)
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers
        .get(name)
        .map_or_else(String::new, |value| value.as_str().to_owned())
}

/// Submits through all doors at once while records are heard.
async fn drive(door: &Door, bare: &Bare, mut records: Heard) -> Ledger {
    let mut ledger = Ledger::default();
    let mut doors = ["rest", "service", "bare"].map(|kind| (kind, 0..TASKS));
    let mut under_way = FuturesUnordered::new();
    for (kind, numbers) in &mut doors {
        for n in numbers.by_ref().take(AT_ONCE) {
            under_way.push(submit(door.clone(), bare, kind, n));
        }
    }
    while ledger.ended.len() < doors.len() * TASKS {
        tokio::select! {
            Some((id, class)) = under_way.next(), if !under_way.is_empty() => {
                let (kind, numbers) = doors.iter_mut().find(|(kind, _)| id.starts_with(*kind)).expect("a door");
                if let Some(n) = numbers.next() {
                    under_way.push(submit(door.clone(), bare, kind, n));
                }
                assert!(ledger.accepted.insert(id, class).is_none(), "accepted twice");
            }
            record = records.next() => {
                let id = record.subject.trim_start_matches("fl.result.").to_owned();
                let headers = record.headers.unwrap_or_default();
                let class = header(&headers, CLASS);
                if ledger.backlogged() {
                    *ledger.shares.entry(class.clone()).or_default() += 1;
                }
                *ledger.by_worker.entry(header(&headers, WORKER)).or_default() += 1;
                assert!(ledger.ended.insert(id.clone(), class).is_none(), "{id} ended twice");
            }
        }
    }
    ledger
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_in_through_three_doors_comes_out_of_workers_in_three_languages_once_and_in_its_shares() {
    let mesh = Mesh::start_alone(POLICY).await;
    let door = Door::of(&mesh).await;
    let bare = Bare::of(&mesh.server).await;
    let (python, node) = (clients::python("worker.py"), clients::node("worker.mjs"));
    let url = mesh.server.url();
    let _ours = Role::worker(url, "ours", SLOTS, POLICY).await;
    let mut others = [foreign(&python, url, "python"), foreign(&node, url, "node")];
    for other in &mut others {
        other.says("taking tasks").await;
    }
    let records = bare.hear("fl.result.*").await;
    let ledger = drive(&door, &bare, records).await;

    let accepted: HashSet<&String> = ledger.accepted.keys().collect();
    let ended: HashSet<&String> = ledger.ended.keys().collect();
    assert_eq!(accepted, ended, "lost or invented");
    // A record is heard before it is stored, and its task is acked after that.
    let settled = async {
        while bare.stream("FL_CORE").await.messages + bare.stream("FL_NORMAL").await.messages > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, settled)
        .await
        .expect("every task is acked");
    let stored = bare.stream("FL_RESULTS").await;
    assert_eq!(
        (stored.messages, stored.last_sequence),
        (6000, 6000),
        "one record each, at one try"
    );
    for worker in ["ours", "python", "node"] {
        let part = ledger.by_worker.get(worker).copied().unwrap_or(0);
        assert!(part > 600, "{worker} did {part} of 6000: {:?}", ledger.by_worker);
    }
    let all: usize = ledger.shares.values().sum();
    println!(
        "{all} counted, {:?} by worker, {:?} by class",
        ledger.by_worker, ledger.shares
    );
    assert!(all >= 2000, "only {all} ended while every class was backlogged");
    for (class, share) in CLASSES {
        let got = ledger.shares.get(class).copied().unwrap_or(0) as f64 / all as f64;
        assert!(
            (got - share).abs() <= 0.03,
            "{class} got {got:.3}: {:?}",
            ledger.shares
        );
    }
    mesh.stop().await;
}
