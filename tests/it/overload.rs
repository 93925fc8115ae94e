//! Overload at three times what the mesh bears, and back: real server, gateway, coordinator and worker.
//!
//! `make overload` runs it for a minute (`OVERLOAD_S`) and prints its figures.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fairlane::broker::subject;
use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::policy::Level;
use fairlane::task::State;
use fairlane::wire::{OverloadNote, to_rfc3339};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::cli;
use crate::support::{Answered, Bare, Door, Mesh, PATIENCE};

/// Four slots and tasks of 100 ms: the mesh bears 40 tasks a second.
const SLOTS: u32 = 4;
const SERVICE_MS: u64 = 100;
/// Three times as many come, a tenth of them of the class that must not wait: half of what its share gives it.
const PAY_PER_S: u64 = 12;
const BULK_PER_S: u64 = 103;
/// Bulk tasks that their deadline puts on core, where they are not the most urgent.
const SOON_PER_S: u64 = 5;
/// While it ends.
const CALM_EVERY: Duration = Duration::from_millis(100);
/// Wait and service together of 99 in 100 tasks of `pay`, in ms: alone they take about 120.
const SLO_MS: u64 = 1_000;

const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 16, timeout_ms: 60000, ack_wait_ms: 10000, max_priority: 1 }
  normal: { concurrency: 16, timeout_ms: 60000, ack_wait_ms: 10000 }
classes:
  pay:  { priority: 1, share: 60 }
  bulk: { priority: 5, share: 40 }
default_class: bulk
models:
  m: { executor: simulate, cost: { unit: ms, initial: 100 } }
overload: { wait_s: [3, 6, 120], leave_at: 0.8, depth_min: 20, hold_s: 1 }
";

/// How long the overload lasts; the short one is what every test run can bear.
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no settings: make overload asks for the long run this way"
)]
fn lasts() -> u64 {
    let asked = std::env::var("OVERLOAD_S").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(6)
}

struct Sent {
    id: String,
    kind: &'static str,
    answer: Answered,
}

impl Sent {
    /// What it was answered with, in a word.
    fn word(&self) -> String {
        let body = self.answer.json();
        match self.answer.status {
            202 => body["state"].as_str().unwrap_or_default().to_owned(),
            status => format!("{status} {}", body["code"].as_str().unwrap_or_default()),
        }
    }

    fn is_accepted(&self) -> bool {
        self.answer.status == 202
    }
}

async fn send(door: &Door, kind: &'static str, id: String) -> Sent {
    let class = if kind == "pay" { "pay" } else { "bulk" };
    let mut body = json!({
        "task_id": id, "class": class, "model": "m", "input": { "service_ms": SERVICE_MS },
    });
    if kind == "soon" {
        body["deadline"] = json!(to_rfc3339(clock::wall().plus_ms(3_600_000)));
    }
    let answer = door.post(body.to_string()).await;
    Sent { id, kind, answer }
}

/// Sends `per_s` tasks a second for so long, whatever becomes of those before.
async fn flood(door: &Door, kind: &'static str, per_s: u64, seconds: u64) -> Vec<Sent> {
    let began = Instant::now();
    let all = (0..per_s * seconds).map(|n| async move {
        let at = began + Duration::from_micros(n * 1_000_000 / per_s);
        tokio::time::sleep_until(at).await;
        send(door, kind, format!("{kind}-{n}")).await
    });
    join_all(all).await
}

/// Sends a little until the level is back at 0 and nothing lies aside.
async fn until_calm(door: &Door, mesh: &Mesh) -> Vec<Sent> {
    let mut notes = mesh.broker.overload_notes();
    let is_calm = |note: OverloadNote| note.standing.level == Level::Calm && note.archived == 0;
    let calm = async {
        loop {
            let Ok(note) = tokio::time::timeout(PATIENCE, notes.next()).await else {
                let stands = mesh.broker.overload().await;
                panic!("nothing is said of the level for {PATIENCE:?}; it stands at {stands:?}");
            };
            if note.is_some_and(is_calm) {
                return;
            }
        }
    };
    tokio::pin!(calm);
    let (mut sent, mut every) = (Vec::new(), tokio::time::interval(CALM_EVERY));
    loop {
        tokio::select! {
            () = &mut calm => return sent,
            _ = every.tick() => sent.push(send(door, "pay", format!("calm-{}", sent.len())).await),
        }
    }
}

/// Every level that was told, the first one from which it was left included.
async fn levels(bare: &Bare) -> Vec<i64> {
    let stream = bare
        .jetstream
        .get_stream(subject::EVENTS)
        .await
        .expect("it exists");
    let (mut from, mut levels) = (Some(1), Vec::new());
    while let Some(sequence) = from {
        let next = stream
            .direct_get_next_for_subject(subject::MESH_OVERLOAD_EVENT, Some(sequence))
            .await;
        from = next.ok().map(|message| {
            let told: Value = serde_json::from_slice(&message.payload).expect("JSON");
            if levels.is_empty() {
                levels.push(told["from"].as_i64().expect("a level"));
            }
            levels.push(told["level"].as_i64().expect("a level"));
            message.sequence + 1
        });
    }
    levels
}

/// Wait and service of all accepted `pay` tasks, in ms, sorted. Every accepted task must have completed.
async fn ended(mesh: &Mesh, sent: &[Sent]) -> Vec<u64> {
    let mut took = Vec::new();
    for task in sent.iter().filter(|task| task.is_accepted()) {
        let record = mesh.result(&task.id).await.record;
        assert_eq!(record.state, State::Completed, "{}", task.id);
        if task.kind == "pay" {
            took.push(record.queued_ms + record.exec_ms);
        }
    }
    took.sort_unstable();
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn three_times_the_load_and_back_loses_nothing_and_core_keeps_its_slo() {
    let mesh = Mesh::start_alone(POLICY).await;
    let (bare, door) = (Bare::of(&mesh.server).await, Door::of(&mesh).await);
    mesh.worker("w", SLOTS, Arc::new(Simulate)).await;
    let seconds = lasts();
    let began = Instant::now();
    let (pay, bulk, soon) = tokio::join!(
        flood(&door, "pay", PAY_PER_S, seconds),
        flood(&door, "bulk", BULK_PER_S, seconds),
        flood(&door, "soon", SOON_PER_S, seconds),
    );
    let flooded_s = began.elapsed().as_secs();
    let calm = until_calm(&door, &mesh).await;
    let sent: Vec<Sent> = [pay, bulk, soon, calm].into_iter().flatten().collect();
    let took = ended(&mesh, &sent).await;

    let mut answers: BTreeMap<String, u64> = BTreeMap::new();
    for task in &sent {
        *answers
            .entry(format!("{} {}", task.kind, task.word()))
            .or_default() += 1;
        if !task.is_accepted() {
            let after: u32 = task.answer.header("retry-after").parse().expect("seconds");
            assert!((1..=600).contains(&after), "{after}");
            assert_eq!(task.answer.json()["reason"], "backlog");
        }
    }
    let p99 = took[took.len() * 99 / 100];
    bare.until_empty("FL_CORE").await;
    bare.until_empty("FL_NORMAL").await;
    let archive = bare.stream(subject::ARCHIVE).await;
    let (code, books) = cli::run_at(&mesh.server, &["audit"]).await;
    println!(
        "{}",
        json!({
            "overload_s": flooded_s, "calm_after_s": began.elapsed().as_secs(), "answers": answers,
            "pay_ms": { "p50": took[took.len() / 2], "p99": p99, "max": took.last() },
            "levels": levels(&bare).await, "put_aside": archive.last_sequence, "left_aside": archive.messages,
            "accepted": books["accepted"], "terminal": books["terminal"], "findings": books["findings"],
        })
    );

    assert_eq!(levels(&bare).await, [0, 1, 2, 1, 0], "up and down once each");
    assert!(p99 <= SLO_MS, "99 % of pay within {p99} ms: {answers:?}");
    assert!(
        answers["bulk archived"] > 0 && answers["soon 429 overload_lower_priority"] > 0,
        "{answers:?}"
    );
    assert_eq!(
        answers.keys().filter(|key| key.starts_with("pay")).count(),
        1,
        "{answers:?}"
    );
    assert_eq!(archive.messages, 0);
    assert_eq!((code, &books["findings"]), (Some(0), &json!([])), "{books}");
    let accepted = sent.iter().filter(|task| task.is_accepted()).count();
    assert_eq!(
        (&books["accepted"], &books["terminal"]),
        (&json!(accepted), &json!(accepted))
    );
    mesh.stop().await;
}
