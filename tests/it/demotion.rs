//! What follows when time runs out: a lower lane, the archive, a dead letter, an expired record.

use std::sync::Arc;

use fairlane::broker::subject;
use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::task::{DeadReason, ErrorKind, Lane, State};

use crate::support::{Bare, Heard, Mesh, Probe};

/// Core for 3 s, normal for 10 s, as the default policy has it; what fails is tried again at once.
const THREE_AND_TEN: &str = "
version: 1
lanes:
  core:   { concurrency: 8, timeout_ms: 3000, on_timeout: demote, max_priority: 9 }
  normal: { concurrency: 8, timeout_ms: 10000, on_timeout: demote }
classes:
  pay: { priority: 1, share: 1 }
default_class: pay
models:
  m: { executor: simulate }
retry: { kind: fixed, base_ms: 1, jitter: none, max_attempts: 5 }
";

fn with_little_time(on_timeout: &str) -> String {
    THREE_AND_TEN
        .replace("3000", "50")
        .replace("10000", "50")
        .replace(
            "timeout_ms: 50, on_timeout: demote }",
            &format!("timeout_ms: 50, on_timeout: {on_timeout} }}"),
        )
}

const HANGS: &str = r#"{"hang_rate":1}"#;

/// Lane, hop and attempt of the next publication of a task.
async fn next_hop(heard: &mut Heard) -> String {
    let message = heard.next().await;
    let headers = message.headers.expect("ours have headers");
    let value = |name| headers.get(name).map_or("", |value| value.as_str()).to_owned();
    format!("{} {}/{}", value("Fl-Lane"), value("Fl-Attempt"), value("Fl-Hop"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_always_takes_11_s_is_dead_for_its_timeouts_after_three_executions() {
    let mesh = Mesh::start(THREE_AND_TEN).await;
    let mut lanes = Bare::of(&mesh.server).await.hear("fl.task.>").await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    mesh.submit("slow", "pay", r#"{"service_ms":11000}"#)
        .await
        .unwrap();

    for hop in ["core 0/0", "normal 0/1", "normal 1/2"] {
        assert_eq!(next_hop(&mut lanes).await, hop);
    }
    let (letter, _) = mesh.dead_letter("slow").await;
    assert_eq!(
        (letter.reason, letter.report.kind),
        (DeadReason::Timeout, ErrorKind::Timeout)
    );
    let history: Vec<_> = letter.report.history.iter().map(|h| (h.lane, h.kind)).collect();
    let (core, normal) = (Some(Lane::Core), Some(Lane::Normal));
    assert_eq!(
        history,
        [(core, ErrorKind::Timeout), (normal, ErrorKind::Timeout)]
    );
    assert_eq!(mesh.result("slow").await.record.state, State::Dead);
    let bare = Bare::of(&mesh.server).await;
    assert_eq!(
        bare.stream("FL_CORE").await.last_sequence + bare.stream("FL_NORMAL").await.last_sequence,
        3
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_too_slow_for_core_completes_on_normal_with_the_checkpoint_it_left() {
    let mesh = Mesh::start(THREE_AND_TEN).await;
    let bare = Bare::of(&mesh.server).await;
    let mut lane = bare.hear("fl.task.normal.>").await;
    // A foreign worker that saw it time out, and left a checkpoint.
    let mut task = mesh.task("half", Lane::Core, "pay");
    task.facts.timeout_ms = Some(9_000);
    let own = [("Fl-Error-Kind", "timeout"), ("Fl-Checkpoint", "42")];
    bare.report(&task, &own, r#""passes""#).await;
    let demoted = lane.next().await.headers.expect("ours have headers");
    assert_eq!(demoted.get("Fl-Checkpoint").expect("it is kept").as_str(), "42");

    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let record = mesh.result("half").await.record;
    assert_eq!(
        (record.state, record.hop, record.attempt),
        (State::Completed, 1, 0)
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demotion_to_a_lane_that_is_full_waits_for_room() {
    // One of them nobody serves.
    let two_models =
        with_little_time("demote").replace("  m: {", "  unserved: { executor: simulate }\n  m: {");
    let mesh = Mesh::start(&two_models).await;
    let bare = Bare::of(&mesh.server).await;
    bare.limit("FL_NORMAL", 1).await;
    let body = r#"{"task_id":"first","model":"unserved","input":0}"#;
    let first = bare
        .jetstream
        .publish("fl.task.normal.pay.unserved.0", body.into());
    first.await.unwrap().await.unwrap();
    let mut timers = bare.hear("fl.retry.at.late").await;
    mesh.worker_for("w", 1, 1, Arc::new(Simulate)).await;
    let mut task = mesh.task("late", Lane::Core, "pay");
    task.model = mesh.policy.models[1].name.clone();
    mesh.publish(&task, HANGS).await.unwrap();
    // The second timer is set when the first found the lane full again.
    timers.next().await;
    timers.next().await;
    bare.limit("FL_NORMAL", 100).await;
    let (letter, _) = mesh.dead_letter("late").await;
    assert_eq!(
        (letter.reason, letter.report.task.lane),
        (DeadReason::Timeout, Lane::Normal)
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_policy_says_so_a_timeout_parks_the_task() {
    let mesh = Mesh::start(&with_little_time("archive")).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    mesh.submit("slow", "pay", HANGS).await.unwrap();
    let bare = Bare::of(&mesh.server).await;
    let parked = bare.first(subject::ARCHIVE, "fl.archive.pay.slow").await;
    let headers = parked.headers.clone().expect("a parked task has headers");
    assert_eq!(headers.get("Fl-Reason").unwrap().as_str(), "timeout");
    assert_eq!(headers.get("Fl-Lane").unwrap().as_str(), "normal");
    let id = fairlane::task::TaskId::new("slow").unwrap();
    assert_eq!(
        mesh.broker.fence(&id).await.unwrap(),
        None,
        "it may still be taken out"
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_deadline_has_passed_is_expired_and_never_starts() {
    let mesh = Mesh::start(THREE_AND_TEN).await;
    let (probe, mut starts) = Probe::gated();
    probe.release(9);
    let mut task = mesh.task("late", Lane::Core, "pay");
    task.facts.deadline = Some(clock::wall());
    mesh.publish(&task, "0").await.unwrap();
    mesh.submit("behind", "pay", "0").await.unwrap();
    mesh.worker("w", 1, probe).await;

    let record = mesh.result("late").await.record;
    assert_eq!(record.state, State::Expired);
    assert_eq!(record.error.expect("it says why").kind, "expired");
    mesh.result("behind").await;
    assert_eq!(starts.recv().await.expect("one starts").1, "behind");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_would_come_after_the_deadline_ends_the_task_as_expired() {
    let mesh = Mesh::start(THREE_AND_TEN).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let mut task = mesh.task("late", Lane::Core, "pay");
    task.facts.deadline = Some(clock::wall().plus_ms(30_000));
    let input = r#"{"fail_attempts":1,"retry_after_ms":60000}"#;
    mesh.publish(&task, input).await.unwrap();
    let record = mesh.result("late").await.record;
    assert_eq!((record.state, record.attempt), (State::Expired, 0));
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_yields_uses_no_attempt_and_ends_by_its_hops() {
    let mesh = Mesh::start(THREE_AND_TEN).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let mut task = mesh.task("snoozes", Lane::Core, "pay");
    task.facts.max_attempts = Some(1);
    let input = r#"{"fail_rate":1,"fail_kind":"yielded"}"#;
    mesh.publish(&task, input).await.unwrap();
    let (letter, _) = mesh.dead_letter("snoozes").await;
    assert_eq!(letter.reason, DeadReason::HopLimit);
    assert_eq!((letter.report.task.attempt, letter.report.task.hop), (0, 16));
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_asks_for_patience_gets_it() {
    let mesh = Mesh::start(THREE_AND_TEN).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let bare = Bare::of(&mesh.server).await;
    let mut reports = bare.hear("fl.retry.report.>").await;
    let input = r#"{"fail_attempts":1,"fail_kind":"rate_limited","retry_after_ms":500000}"#;
    let before = clock::wall();
    mesh.submit("busy", "pay", input).await.unwrap();
    reports.next().await;
    bare.first(subject::RETRY, "fl.retry.at.busy").await;
    let id = fairlane::task::TaskId::new("busy").unwrap();
    let waiting = mesh.broker.waiting(&id).await.unwrap().expect("it waits");
    assert!(waiting.due.since(before) >= 500_000);
    assert_eq!((waiting.task.attempt, waiting.task.hop), (1, 1));
    mesh.stop().await;
}
