//! Tasks of one `concurrency_key`: no more run at once than it has places, whoever dies, and all of them run.

use std::sync::Arc;
use std::time::Duration;

use fairlane::broker::keys::Tenure;
use fairlane::broker::publish::Original;
use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::task::{BlockedOn, DeadReason, EventKind, KeyId, Lane, State, TaskId, TenantId};
use fairlane::wire::{Blocked, ResultError, ResultRecord};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{Bare, Door, Mesh, PATIENCE, Probe, Role, Starts};

const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 2000, max_priority: 2 }
  normal: { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 2000 }
classes:
  pay:  { priority: 1, share: 50 }
  bulk: { priority: 5, share: 50 }
default_class: bulk
models:
  m: { executor: simulate, cost: { unit: ms, initial: 50 } }
retry: { kind: fixed, base_ms: 1, jitter: none, max_attempts: 2 }
keys: { lease_s: 3, prefixes: { \"three:\": { limit: 3 } } }
";

async fn submit(door: &Door, id: &str, class: &str, key: &str, input: Value) {
    let body = json!({"task_id": id, "model": "m", "class": class, "concurrency_key": key, "input": input});
    let answer = door.post(body.to_string()).await;
    assert_eq!(
        (answer.status, answer.json()["state"].clone()),
        (202, json!("queued")),
        "{answer:?}"
    );
}

async fn started(starts: &mut Starts) -> String {
    let next = tokio::time::timeout(PATIENCE, starts.recv()).await;
    next.expect("something starts").expect("the probe is there").1
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_a_key_runs_at_a_time_and_the_others_take_neither_slot_nor_place() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let (probe, mut starts) = Probe::gated();
    mesh.worker("w", 2, probe.clone()).await;
    submit(&door, "first", "bulk", "k", json!(1)).await;
    assert_eq!(started(&mut starts).await, "first");
    for (id, class) in [("second", "bulk"), ("third", "bulk"), ("urgent", "pay")] {
        submit(&door, id, class, "k", json!(1)).await;
        bare.first("FL_HELD", &format!("fl.held.{id}")).await;
    }
    let status = door.get("/v1/tasks/third").await.json();
    assert_eq!(
        (&status["state"], &status["waits_for_key"]),
        (&json!("blocked"), &json!("k"))
    );
    // Of another key, and of the same key of another tenant.
    submit(&door, "other", "bulk", "k2", json!(1)).await;
    assert_eq!(started(&mut starts).await, "other");
    probe.release(1);
    for next in ["urgent", "second", "third"] {
        probe.release(1);
        assert_eq!(started(&mut starts).await, next);
    }
    probe.release(1);
    for id in ["first", "second", "third", "urgent", "other"] {
        assert_eq!(mesh.result(id).await.record.state, State::Completed, "{id}");
    }
    bare.until_no_message("FL_HELD", "fl.held.*").await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn never_more_of_a_key_run_than_it_has_places_and_none_is_lost() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let (probe, _starts) = Probe::timed(Duration::from_millis(10));
    for n in 0..3 {
        mesh.worker(&format!("w{n}"), 8, probe.clone()).await;
    }
    let second = mesh.coordinator().await;
    let all = (0..150).map(|n| {
        let (door, id) = (&door, format!("t-{n}"));
        async move { submit(door, &id, "bulk", "three:k", json!(1)).await }
    });
    futures_util::future::join_all(all).await;
    let began = clock::monotonic();
    // Whoever leads goes away in the middle of it.
    mesh.result("t-20").await;
    mesh.coordinator.stop(PATIENCE).await;
    for n in 0..150 {
        let record = mesh.result(&format!("t-{n}")).await.record;
        assert_eq!(record.state, State::Completed, "t-{n}");
    }
    println!(
        "most at once {} of 3; 150 tasks of 10 ms in {:?}",
        probe.most(),
        clock::monotonic().since(began)
    );
    assert!(probe.most() <= 3, "{}", probe.most());
    bare.until_empty("FL_NORMAL").await;
    bare.until_no_message("FL_HELD", "fl.held.*").await;
    assert_eq!(bare.stream("FL_RESULTS").await.last_sequence, 150);
    second.stop(PATIENCE).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_is_killed_frees_its_key_within_its_lease() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let holder = Role::worker(mesh.server.url(), "holder", 1, POLICY).await;
    submit(&door, "held", "bulk", "k", json!({"service_ms": 30000})).await;
    let key = KeyId::of(&TenantId::default_tenant(), "k");
    let held = Tenure::Held(TaskId::new("held").expect("an id"), "holder".to_owned());
    bare.first("KV_fl_control", &format!("$KV.fl_control.key.{key}.0"))
        .await;
    assert_eq!(mesh.broker.key_place(&key, 0).await.expect("read").tenure, held);
    let (probe, mut starts) = Probe::gated();
    mesh.worker("next", 2, probe.clone()).await;
    submit(&door, "waits", "pay", "k", json!(1)).await;
    bare.first("FL_HELD", "fl.held.waits").await;
    let killed = clock::monotonic();
    holder.signal(Signal::SIGKILL);
    assert_eq!(started(&mut starts).await, "waits");
    let took = clock::monotonic().since(killed);
    println!("lease 3 s; the next of the key started {took:?} after the kill");
    assert!(took < Duration::from_millis(4_500), "{took:?}");
    probe.release(2);
    for id in ["waits", "held"] {
        assert_eq!(mesh.result(id).await.record.state, State::Completed, "{id}");
    }
    bare.until_empty("FL_NORMAL").await;
    bare.until_no_message("FL_HELD", "fl.held.*").await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_is_queued_behind_a_thousand_is_moved_up_for_a_core_task_that_waits_for_its_key() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let (probe, mut starts) = Probe::gated();
    let worker = mesh.worker_of_its_own("w", 1, probe.clone()).await;
    submit(&door, "first", "bulk", "k", json!(1)).await;
    assert_eq!(started(&mut starts).await, "first");
    // Two tasks wait for the key while the only slot is taken: by somebody else's worker, which asks for them.
    let other = mesh.worker_of_its_own("other", 1, probe.clone()).await;
    submit(&door, "low", "bulk", "k", json!(1)).await;
    bare.first("FL_HELD", "fl.held.low").await;
    other.stop(PATIENCE).await;
    let many = (0..1_000).map(|n| {
        let (mesh, id) = (&mesh, format!("many-{n}"));
        async move {
            let task = mesh.task(&id, fairlane::task::Lane::Normal, "bulk");
            mesh.publish(&task, r#"{"service_ms":50}"#)
                .await
                .expect("accepted")
        }
    });
    futures_util::future::join_all(many).await;
    // It ends while its worker takes nothing new, so that the one with the key is queued behind the thousand.
    let stopping = worker.stop(PATIENCE);
    probe.release(1);
    stopping.await;
    bare.until_no_message("FL_HELD", "fl.held.low").await;
    assert_eq!(bare.stream("FL_NORMAL").await.messages, 1_001);
    submit(&door, "high", "pay", "k", json!(1)).await;
    mesh.worker("last", 4, Arc::new(Simulate)).await;
    let record = mesh.result("high").await.record;
    assert_eq!(record.state, State::Completed);
    let left = bare.stream("FL_NORMAL").await.messages;
    println!("{left} of 1,000 were left when the core task had completed");
    assert!(left > 500, "{left}");
    let events = mesh.broker.events(&TaskId::new("low").expect("an id")).await;
    let kinds: Vec<EventKind> = events.expect("read").iter().map(|e| e.record.kind).collect();
    assert_eq!(kinds, [EventKind::Release, EventKind::Promote]);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_dies_between_a_key_and_its_task_leaves_one_task_that_has_it() {
    for failpoint in [
        "grant.after_reserve",
        "release.after_publish",
        "release.after_removal",
    ] {
        let mesh = Mesh::start(POLICY).await;
        let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
        let (probe, mut starts) = Probe::gated();
        mesh.worker("w", 2, probe.clone()).await;
        submit(&door, "first", "bulk", "k", json!(1)).await;
        assert_eq!(started(&mut starts).await, "first");
        submit(&door, "second", "bulk", "k", json!(1)).await;
        bare.first("FL_HELD", "fl.held.second").await;
        mesh.coordinator.stop(PATIENCE).await;
        let (role, _policy) = doomed(&mesh, failpoint);
        probe.release(1);
        let (status, log) = role.ended().await;
        assert!(!status.success() && log.contains(failpoint), "{status}\n{log}");
        mesh.coordinator().await;
        assert_eq!(started(&mut starts).await, "second", "{failpoint}");
        probe.release(1);
        let record = mesh.result("second").await.record;
        assert_eq!((record.state, record.hop), (State::Completed, 1), "{failpoint}");
        bare.until_no_message("FL_HELD", "fl.held.*").await;
        bare.until_empty("FL_NORMAL").await;
        assert_eq!(bare.stream("FL_RESULTS").await.last_sequence, 2, "{failpoint}");
        assert_eq!(bare.stream("FL_NORMAL").await.last_sequence, 3, "{failpoint}");
        assert_eq!(probe.most(), 1, "{failpoint}");
        mesh.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_comes_back_late_does_not_take_the_place_of_the_later_hop_that_waits() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let (role, _policy) = doomed_role("worker", &mesh, "worker.after_report");
    submit(&door, "t", "bulk", "k", json!({"fail_attempts": 1})).await;
    let (status, log) = role.ended().await;
    assert!(
        !status.success() && log.contains("worker.after_report"),
        "{status}\n{log}"
    );
    // The dead one has the key until its lease ends: its retry waits for it, and then the copy that was not acked.
    mesh.worker("next", 2, Arc::new(Simulate)).await;
    bare.first("FL_HELD", "fl.held.t").await;
    bare.until_empty("FL_NORMAL").await;
    let record = mesh.result("t").await.record;
    assert_eq!((record.state, record.hop), (State::Completed, 2));
    bare.until_no_message("FL_HELD", "fl.held.*").await;
    mesh.stop().await;
}

fn doomed(mesh: &Mesh, failpoint: &str) -> (Role, tempfile::NamedTempFile) {
    doomed_role("coordinator", mesh, failpoint)
}

fn doomed_role(role: &str, mesh: &Mesh, failpoint: &str) -> (Role, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().expect("there is a place for temporary files");
    std::fs::write(file.path(), POLICY).expect("it can be written");
    let policy = file.path().to_str().expect("a path in UTF-8");
    let arguments = [role, "--nats", mesh.server.url(), "--policy", policy];
    let role = Role::start_with(&arguments, &[("FAIRLANE_FAILPOINT", failpoint)]);
    (role, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_a_dead_coordinator_left_to_write_says_what_its_record_says() {
    const WHY: &str = "it came back to wait for its concurrency_key too often";
    let mesh = Mesh::start(POLICY).await;
    mesh.coordinator.stop(PATIENCE).await;
    let mut task = mesh.task("t", Lane::Normal, "bulk");
    (task.hop, task.facts.concurrency_key) = (3, Some("k".to_owned()));
    let record = ResultRecord {
        policy: None,
        task_id: task.id.clone(),
        state: State::Dead,
        hop: task.hop,
        attempt: 0,
        class: task.class.clone(),
        tenant: task.tenant.clone(),
        worker: String::new(),
        queued_ms: 0,
        exec_ms: 0,
        output: Value::Null,
        usage: json!({}),
        error: Some(ResultError {
            kind: DeadReason::HopLimit.to_string(),
            message: WHY.to_owned(),
        }),
    };
    let blocked = Blocked {
        task,
        history: Vec::new(),
        on: BlockedOn::Key,
    };
    let body = Original::new(r#"{"model":"m","input":1}"#.into());
    mesh.broker.put_aside(&blocked, &body).await.expect("stored");
    let written = mesh.broker.publish_result(&record, 0).await;
    written.expect("it is the first");
    mesh.coordinator().await;
    let (letter, _) = mesh.dead_letter("t").await;
    assert_eq!(
        (letter.reason, letter.report.error.as_str()),
        (DeadReason::HopLimit, WHY)
    );
    mesh.stop().await;
}
