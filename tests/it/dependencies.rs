//! Tasks that depend on others: they wait aside, run when all of those have completed, and end when one has not.

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use fairlane::broker::shelf::Shelf;
use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::policy::balance;
use fairlane::task::{DeadReason, EventKind, Lane, State, TaskId};
use fairlane::wire::TaskEvent;
use serde_json::{Value, json};

use crate::support::{Bare, Door, Mesh, PATIENCE, Probe, Role, Starts};

const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 2000, max_priority: 2 }
  normal: { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 2000 }
classes:
  pay:    { priority: 1, share: 40 }
  bulk:   { priority: 5, share: 40 }
  anyway: { priority: 5, share: 20, on_dependency_failed: run }
default_class: bulk
models:
  m: { executor: simulate, cost: { unit: ms, initial: 50 } }
retry: { kind: fixed, base_ms: 600000, jitter: none, max_attempts: 2 }
";

/// A task of `class` that depends on `parents`.
fn body(id: &str, class: &str, parents: &[&str], input: Value) -> String {
    json!({"task_id": id, "model": "m", "class": class, "input": input, "depends_on": parents}).to_string()
}

/// Submits it; the state it is accepted in.
async fn submit(door: &Door, id: &str, class: &str, parents: &[&str]) -> String {
    let answer = door.post(body(id, class, parents, json!(1))).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()["state"].as_str().expect("a state").to_owned()
}

async fn started(starts: &mut Starts) -> String {
    let next = tokio::time::timeout(PATIENCE, starts.recv()).await;
    next.expect("something starts").expect("the probe is there").1
}

async fn state(door: &Door, id: &str) -> Value {
    let mut status = door.get(&format!("/v1/tasks/{id}")).await.json();
    json!([status["state"].take(), status["waits_for"].take()])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diamond_runs_from_its_root_down_and_everything_says_where_it_is() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let (probe, mut starts) = Probe::gated();
    for (id, parents, accepted) in [
        ("a", &[][..], "queued"),
        ("b", &["a"], "blocked"),
        ("c", &["a"], "blocked"),
        ("d", &["b", "c", "b"], "blocked"),
    ] {
        assert_eq!(submit(&door, id, "bulk", parents).await, accepted, "{id}");
    }
    // The same again adds nothing.
    assert_eq!(submit(&door, "d", "bulk", &["b", "c", "b"]).await, "blocked");
    assert_eq!(state(&door, "d").await, json!(["blocked", ["b", "c"]]));
    let census = mesh.broker.census(clock::wall(), &|_| ()).await.expect("read");
    let ledger = balance(&census);
    assert_eq!((ledger.states[&State::Blocked], ledger.accepted), (3, 4));
    assert_eq!(ledger.mistakes, []);
    mesh.worker("w", 4, probe.clone()).await;
    assert_eq!(started(&mut starts).await, "a");
    probe.release(1);
    let mut both = [started(&mut starts).await, started(&mut starts).await];
    both.sort();
    assert_eq!(both, ["b", "c"]);
    assert_eq!(state(&door, "d").await, json!(["blocked", ["b", "c"]]));
    probe.release(2);
    assert_eq!(started(&mut starts).await, "d");
    probe.release(1);
    let record = mesh.result("d").await.record;
    assert_eq!((record.state, record.hop), (State::Completed, 1));
    bare.until_no_message("FL_HELD", "fl.held.d").await;
    bare.until_empty("FL_NORMAL").await;
    assert_eq!(bare.stream("FL_RESULTS").await.last_sequence, 4);
    bare.first("FL_EVENTS", "fl.event.bulk.d.release").await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_run_is_refused_with_its_reason() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    // Somebody without a gateway waits for a task that is to come.
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let waits = body("early", "bulk", &["late"], json!(1));
    bare.publish("fl.task.normal.bulk.m.0", &[], waits)
        .await
        .expect("the lane takes it");
    bare.first("FL_HELD", "fl.held.early").await;
    assert_eq!(submit(&door, "t0", "bulk", &["early"]).await, "blocked");
    for n in 1..15 {
        submit(&door, &format!("t{n}"), "bulk", &[&format!("t{}", n - 1)]).await;
    }
    let mut told = String::new();
    for (id, parents) in [
        ("x", &["nobody"][..]),
        ("x", &["x"]),
        ("late", &["t1"]),
        ("x", &["t14"]),
    ] {
        told += &door.post(body(id, "bulk", parents, json!(1))).await.told();
    }
    expect![[r#"
        422 application/problem+json {"type":"about:blank","title":"Unprocessable Content","status":422,"code":"unknown_dependency","detail":"depends_on: no task nobody: it was not submitted through a gateway by this tenant and has no record, or that has aged out; submit it first, or leave it out","field":"depends_on"}
        422 application/problem+json {"type":"about:blank","title":"Unprocessable Content","status":422,"code":"bad_dependency","detail":"depends_on: it would wait for itself: x -> x","field":"depends_on"}
        422 application/problem+json {"type":"about:blank","title":"Unprocessable Content","status":422,"code":"bad_dependency","detail":"depends_on: it would wait for itself: late -> t1 -> t0 -> early -> late","field":"depends_on"}
        422 application/problem+json {"type":"about:blank","title":"Unprocessable Content","status":422,"code":"bad_dependency","detail":"depends_on: x would be part of a chain of more than 16 dependencies; make the chain shorter","field":"depends_on"}
    "#]]
    .assert_eq(&told);
    // A name that was refused is free.
    assert_eq!(submit(&door, "x", "bulk", &[]).await, "queued");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_depends_on_a_task_that_did_not_complete_is_dead_with_all_that_depend_on_it() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let fails = json!({"fail_rate": 1, "fail_kind": "permanent"});
    assert_eq!(door.post(body("fails", "bulk", &[], fails)).await.status, 202);
    submit(&door, "stopped", "bulk", &[]).await;
    let soon = fairlane::wire::to_rfc3339(clock::wall().plus_ms(1_000));
    let late = json!({"task_id": "late", "model": "m", "class": "bulk", "input": 1,
                      "depends_on": ["stopped"], "deadline": soon});
    assert_eq!(door.post(late.to_string()).await.status, 202);
    submit(&door, "fine", "bulk", &[]).await;
    for parent in ["fails", "late", "stopped"] {
        submit(&door, &format!("after-{parent}"), "bulk", &["fine", parent]).await;
        submit(&door, &format!("anyway-{parent}"), "anyway", &["fine", parent]).await;
    }
    submit(&door, "far", "bulk", &["after-fails"]).await;
    assert_eq!(mesh.result("late").await.record.state, State::Expired);
    assert_eq!(door.delete("stopped").await.status, 200);
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    for (parent, state) in [("fails", "dead"), ("late", "expired"), ("stopped", "cancelled")] {
        let (letter, _) = mesh.dead_letter(&format!("after-{parent}")).await;
        assert_eq!(letter.reason, DeadReason::DependencyFailed);
        let why = format!("task {parent}, which it depends on, ended as {state}");
        assert_eq!(letter.report.error, why);
        let record = mesh.result(&format!("anyway-{parent}")).await.record;
        assert_eq!(record.state, State::Completed, "{parent}");
    }
    let (letter, _) = mesh.dead_letter("far").await;
    assert_eq!(letter.reason, DeadReason::DependencyFailed);
    // One that comes later fares no better, and one whose only parent has completed waits for nothing.
    assert_eq!(submit(&door, "later", "bulk", &["fails"]).await, "blocked");
    assert_eq!(
        mesh.dead_letter("later").await.0.reason,
        DeadReason::DependencyFailed
    );
    assert_eq!(submit(&door, "next", "bulk", &["fine"]).await, "queued");
    assert_eq!(mesh.result("next").await.record.state, State::Completed);
    bare.until_no_message("FL_HELD", "fl.held.*").await;
    // Whoever replays it wants it to run, whatever its dependencies did.
    let id = TaskId::new("later").expect("an id");
    let kept = mesh
        .broker
        .kept(Shelf::Dead, &id)
        .await
        .expect("read")
        .expect("there");
    mesh.broker.replay(Shelf::Dead, &kept).await.expect("replayed");
    bare.until_empty("FL_NORMAL").await;
    assert_eq!(mesh.result("later").await.record.state, State::Completed);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_waits_can_be_cancelled_and_ends_at_its_deadline() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    submit(&door, "parent", "bulk", &[]).await;
    submit(&door, "waits", "bulk", &["parent"]).await;
    submit(&door, "behind", "bulk", &["waits"]).await;
    let soon = fairlane::wire::to_rfc3339(clock::wall().plus_ms(1_000));
    let hasty = json!({"task_id": "hasty", "model": "m", "class": "bulk", "input": 1,
                       "depends_on": ["parent"], "deadline": soon});
    assert_eq!(door.post(hasty.to_string()).await.status, 202);
    assert_eq!(door.delete("waits").await.json()["state"], json!("cancelled"));
    assert_eq!(state(&door, "waits").await[0], json!("cancelled"));
    assert_eq!(
        mesh.dead_letter("behind").await.0.reason,
        DeadReason::DependencyFailed
    );
    assert_eq!(mesh.result("hasty").await.record.state, State::Expired);
    bare.until_no_message("FL_HELD", "fl.held.*").await;
    let (probe, mut starts) = Probe::gated();
    mesh.worker("w", 4, probe.clone()).await;
    assert_eq!(started(&mut starts).await, "parent");
    probe.release(1);
    bare.until_empty("FL_NORMAL").await;
    assert!(starts.try_recv().is_err(), "nothing else ran");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_was_published_without_a_gateway_waits_too_also_for_one_that_is_to_come() {
    let mesh = Mesh::start(POLICY).await;
    let bare = Bare::of(&mesh.server).await;
    let (probe, mut starts) = Probe::gated();
    mesh.worker("w", 4, probe.clone()).await;
    let subject = "fl.task.normal.bulk.m.0";
    let by_body = body("by-body", "bulk", &["parent"], json!(1));
    bare.publish(subject, &[], by_body)
        .await
        .expect("the lane takes it");
    let by_header = r#"{"task_id":"by-header","model":"m","input":1}"#;
    let headers = [("Fl-Depends-On", "parent")];
    bare.publish(subject, &headers, by_header)
        .await
        .expect("the lane takes it");
    for id in ["by-body", "by-header"] {
        bare.first("FL_HELD", &format!("fl.held.{id}")).await;
    }
    bare.until_empty("FL_NORMAL").await;
    let parent = r#"{"task_id":"parent","model":"m","input":1}"#;
    bare.publish(subject, &[], parent)
        .await
        .expect("the lane takes it");
    assert_eq!(started(&mut starts).await, "parent");
    probe.release(1);
    let mut both = [started(&mut starts).await, started(&mut starts).await];
    both.sort();
    assert_eq!(both, ["by-body", "by-header"]);
    probe.release(2);
    for id in both {
        assert_eq!(mesh.result(&id).await.record.state, State::Completed);
    }
    mesh.stop().await;
}

/// How long a core task and the normal one it depends on take, from the first submission on.
async fn chain(mesh: &Mesh, door: &Door, name: &str) -> Duration {
    let (parent, child) = (format!("parent-{name}"), format!("child-{name}"));
    let began = clock::monotonic();
    let works = json!({"service_ms": 100});
    let sent = door.post(body(&parent, "bulk", &[], works.clone())).await;
    assert_eq!(sent.status, 202);
    let sent = door.post(body(&child, "pay", &[&parent], works)).await;
    assert_eq!(sent.json()["lane"], json!("core"), "{sent:?}");
    let record = mesh.result(&child).await.record;
    assert_eq!(record.state, State::Completed);
    clock::monotonic().since(began)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_task_does_not_wait_for_the_thousand_that_its_dependency_is_queued_behind() {
    let mesh = Mesh::start_alone(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    mesh.worker("w", 8, Arc::new(Simulate)).await;
    let mut alone = Vec::new();
    for n in 0..5 {
        alone.push(chain(&mesh, &door, &format!("alone-{n}")).await);
    }
    let many = (0..1_000).map(|n| {
        let (mesh, id) = (&mesh, format!("many-{n}"));
        async move {
            let task = mesh.task(&id, Lane::Normal, "bulk");
            mesh.publish(&task, r#"{"service_ms":50}"#)
                .await
                .expect("accepted")
        }
    });
    futures_util::future::join_all(many).await;
    let mut behind = Vec::new();
    for n in 0..5 {
        behind.push(chain(&mesh, &door, &format!("behind-{n}")).await);
    }
    let left = bare.stream("FL_NORMAL").await.messages;
    alone.sort();
    behind.sort();
    println!("alone {alone:?}, behind {behind:?}, {left} of 1,000 left");
    assert!(left > 400, "the backlog was gone: {left}");
    assert!(behind[2] <= alone[2] * 2, "alone {alone:?}, behind {behind:?}");
    let events = mesh
        .broker
        .events(&TaskId::new("parent-behind-0").expect("an id"))
        .await;
    let kinds: Vec<EventKind> = events.expect("read").iter().map(|e| e.record.kind).collect();
    assert_eq!(kinds, [EventKind::Promote]);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_dies_while_it_ends_a_wait_leaves_one_task_and_one_letter() {
    for (failpoint, fails) in [
        ("release.after_publish", false),
        ("release.after_removal", false),
        ("coordinator.after_record", true),
        ("coordinator.after_fence", true),
        ("coordinator.after_letter", true),
    ] {
        let mesh = Mesh::start(POLICY).await;
        let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
        submit(&door, "parent", "bulk", &[]).await;
        submit(&door, "child", "bulk", &["parent"]).await;
        // The next leader hears of the child's end from its record alone, which stands already.
        submit(&door, "grandchild", "bulk", &["child"]).await;
        mesh.coordinator.stop(PATIENCE).await;
        let (role, _policy) = doomed(&mesh, failpoint);
        if fails {
            assert_eq!(door.delete("parent").await.status, 200);
        }
        mesh.worker("w", 1, Arc::new(Simulate)).await;
        let (status, log) = role.ended().await;
        assert!(!status.success() && log.contains(failpoint), "{status}\n{log}");
        mesh.coordinator().await;
        let record = mesh.result("child").await.record;
        if fails {
            assert_eq!(record.state, State::Dead, "{failpoint}");
            let (letter, _) = mesh.dead_letter("child").await;
            assert_eq!(letter.reason, DeadReason::DependencyFailed);
        } else {
            assert_eq!((record.state, record.hop), (State::Completed, 1), "{failpoint}");
        }
        let record = mesh.result("grandchild").await.record;
        let state = if fails { State::Dead } else { State::Completed };
        assert_eq!(record.state, state, "{failpoint}");
        bare.until_no_message("FL_HELD", "fl.held.*").await;
        bare.until_empty("FL_NORMAL").await;
        assert_eq!(bare.stream("FL_RESULTS").await.last_sequence, 3, "{failpoint}");
        assert_eq!(
            bare.stream("FL_DEAD").await.last_sequence,
            if fails { 2 } else { 0 },
            "{failpoint}"
        );
        let lane = bare.stream("FL_NORMAL").await.last_sequence;
        assert_eq!(lane, if fails { 1 } else { 3 }, "{failpoint}");
        mesh.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_died_before_its_way_out_of_the_archive_was_told_has_ended() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let fails = json!({"fail_rate": 1, "fail_kind": "permanent"});
    assert_eq!(door.post(body("parent", "bulk", &[], fails)).await.status, 202);
    let ended = mesh.result("parent").await;
    mesh.dead_letter("parent").await;
    let mut task = mesh.task("parent", Lane::Normal, "bulk");
    task.hop = ended.record.hop;
    let told = TaskEvent::of(&task, EventKind::Replay, "there is room for it again");
    let sent = mesh.broker.tell_surely(&task.class, &task.id, &told).await;
    sent.expect("stored");
    let taken = mesh.broker.letter_taken(&task.id, ended.stored_at).await;
    assert_eq!(taken.expect("read"), None);
    assert_eq!(submit(&door, "child", "bulk", &["parent"]).await, "blocked");
    assert_eq!(mesh.result("child").await.record.state, State::Dead);
    task.hop += 1;
    let told = TaskEvent::of(&task, EventKind::Replay, "put back to work by hand");
    let sent = mesh.broker.tell_surely(&task.class, &task.id, &told).await;
    sent.expect("stored");
    let taken = mesh.broker.letter_taken(&task.id, ended.stored_at).await;
    assert_eq!(taken.expect("read"), Some(EventKind::Replay));
    mesh.stop().await;
}

fn doomed(mesh: &Mesh, failpoint: &str) -> (Role, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().expect("there is a place for temporary files");
    std::fs::write(file.path(), POLICY).expect("it can be written");
    let policy = file.path().to_str().expect("a path in UTF-8");
    let arguments = ["coordinator", "--nats", mesh.server.url(), "--policy", policy];
    let role = Role::start_with(&arguments, &[("FAIRLANE_FAILPOINT", failpoint)]);
    (role, file)
}
