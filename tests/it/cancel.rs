//! Cancelling a task wherever it is: from then on it has one record, and nothing of it is left behind.

use std::sync::Arc;

use fairlane::broker::shelf::Shelf;
use fairlane::broker::subject;
use fairlane::executor::simulate::Simulate;
use fairlane::task::State;
use serde_json::json;

use crate::support::{Bare, Door, Mesh, PATIENCE, Probe};

const POLICY: &str = "
version: 1
lanes:
  core:   { timeout_ms: 50, on_timeout: archive, max_priority: 2 }
classes:
  pay:  { priority: 1, share: 40 }
default_class: pay
models:
  m: { executor: simulate }
retry: { kind: fixed, base_ms: 600000, jitter: none }
";

async fn submit(door: &Door, id: &str, input: &str) {
    let body = format!(r#"{{"task_id":"{id}","model":"m","input":{input}}}"#);
    assert_eq!(door.post(body).await.status, 202);
}

async fn state(door: &Door, id: &str) -> String {
    let status = door.get(&format!("/v1/tasks/{id}")).await.json();
    status["state"].as_str().expect("a state").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_waits_to_be_tried_again_is_cancelled_with_its_timer() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    submit(&door, "waits", r#"{"fail_attempts":1}"#).await;
    bare.first(subject::RETRY, "fl.retry.at.waits").await;
    assert_eq!(state(&door, "waits").await, "retrying");
    assert_eq!(door.delete("waits").await.json()["state"], json!("cancelled"));
    assert_eq!(state(&door, "waits").await, "cancelled");
    let id = fairlane::task::TaskId::new("waits").unwrap();
    assert_eq!(mesh.broker.waiting(&id).await.unwrap(), None);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_task_is_cancelled_and_taken_out_of_the_archive() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    submit(&door, "parked", r#"{"hang_rate":1}"#).await;
    bare.first(subject::ARCHIVE, "fl.archive.pay.parked").await;
    // It has left its lane, too.
    bare.until_empty("FL_CORE").await;
    assert_eq!(state(&door, "parked").await, "archived");
    assert_eq!(door.delete("parked").await.json()["state"], json!("cancelled"));
    assert_eq!(bare.stream(subject::ARCHIVE).await.messages, 0);
    // An event is told behind the answer, so that nobody waits for it.
    bare.first(subject::EVENTS, "fl.event.pay.parked.cancel").await;
    let status = door.get("/v1/tasks/parked").await.json();
    let timeline: Vec<_> = status["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| format!("{} {} {}", line["event"], line["lane"], line["hop"]))
        .collect();
    assert_eq!(timeline, [r#""archive" "core" 0"#, r#""cancel" "core" 0"#]);
    assert_eq!(mesh.result("parked").await.record.state, State::Cancelled);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_task_is_told_apart_from_a_queued_one_and_its_slot_is_free_when_it_is_cancelled() {
    let mesh = Mesh::start(&POLICY.replace("timeout_ms: 50", "timeout_ms: 60000")).await;
    let door = Door::of(&mesh).await;
    let (probe, mut starts) = Probe::gated();
    mesh.worker("w", 1, probe.clone()).await;
    submit(&door, "first", "1").await;
    assert_eq!(starts.recv().await.unwrap().1, "first");
    submit(&door, "second", "1").await;
    submit(&door, "third", "1").await;
    assert_eq!(state(&door, "first").await, "running");
    assert_eq!(state(&door, "third").await, "queued");
    assert_eq!(door.delete("third").await.status, 200);
    assert_eq!(door.delete("first").await.status, 200);
    // Nobody let the first one go: its slot is free because it was cancelled.
    assert_eq!(starts.recv().await.unwrap().1, "second");
    probe.release(1);
    assert_eq!(mesh.result("second").await.record.state, State::Completed);
    for id in ["first", "third"] {
        assert_eq!(mesh.result(id).await.record.state, State::Cancelled);
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_task_that_was_replayed_is_open_again_and_can_be_cancelled() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let worker = mesh.worker_of_its_own("w", 1, Arc::new(Simulate)).await;
    submit(&door, "again", r#"{"fail_rate":1,"fail_kind":"permanent"}"#).await;
    mesh.dead_letter("again").await;
    assert_eq!(state(&door, "again").await, "dead");
    bare.until_empty("FL_CORE").await;
    worker.stop(PATIENCE).await;

    let id = fairlane::task::TaskId::new("again").unwrap();
    let letter = mesh.broker.kept(Shelf::Dead, &id).await.unwrap().unwrap();
    mesh.broker.replay(Shelf::Dead, &letter).await.unwrap();
    assert_eq!(state(&door, "again").await, "queued");
    let result = door.get("/v1/tasks/again/result").await;
    assert_eq!(result.status, 202, "{result:?}");
    assert_eq!(door.delete("again").await.json()["state"], json!("cancelled"));
    let record = mesh.result("again").await.record;
    assert_eq!((record.state, record.hop), (State::Cancelled, 1));
    // Its copy on the lane is dropped when it is delivered.
    mesh.worker("next", 1, Arc::new(Simulate)).await;
    bare.until_empty("FL_CORE").await;
    assert_eq!(mesh.result("again").await.record, record);
    assert_eq!(state(&door, "again").await, "cancelled");
    mesh.stop().await;
}
