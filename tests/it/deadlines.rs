//! Deadlines and the order of tasks: what can no longer be met is given up, what waits is served by what it has left.

use std::sync::Arc;

use fairlane::broker::subject;
use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::task::{EpochMs, Lane, State};
use fairlane::wire::ResultRecord;

use crate::support::cli;
use crate::support::{Bare, Mesh, Probe, Starts};

/// A task is expected to take an hour, until it is known better.
const HOUR_MS: u64 = 3_600_000;
/// Half of that: what begins now is not done by then.
const TOO_SOON_MS: u64 = HOUR_MS / 2;

/// What cannot meet its deadline is dropped; tasks of the class `brisk` have an SLO of their class.
const DROP: &str = "
version: 1
scheduler: { between: edf, edf: { infeasible: drop } }
lanes:
  core:   { concurrency: 64, timeout_ms: 60000, max_priority: 9 }
  normal: { concurrency: 64, timeout_ms: 60000 }
classes:
  pay:   { priority: 1, share: 1 }
  brisk: { priority: 2, share: 1, slo_ms: 1800000 }
default_class: pay
models:
  m: { executor: simulate, cost: { unit: ms, initial: 3600000 } }
";

/// Publishes a task of `class` on normal with that long to go.
async fn publish(mesh: &Mesh, id: &str, class: &str, deadline_ms: Option<u64>) {
    let mut task = mesh.task(id, Lane::Normal, class);
    task.facts.deadline = deadline_ms.map(|ms| clock::wall().plus_ms(ms));
    mesh.publish(&task, "0").await.expect("accepted");
}

/// Publishes a task that has waited for half an hour and has as much to go, which is too little for what tasks are
/// expected to take; or none to go by but its class's.
async fn publish_late(mesh: &Mesh, id: &str, class: &str, deadline_ms: Option<u64>) {
    let mut task = mesh.task(id, Lane::Normal, class);
    let now = clock::wall();
    task.enqueued_at = EpochMs(now.0 - i64::try_from(TOO_SOON_MS).expect("it fits"));
    task.facts.deadline = deadline_ms.map(|ms| now.plus_ms(ms));
    mesh.publish(&task, "0").await.expect("accepted");
}

async fn record(mesh: &Mesh, id: &str) -> ResultRecord {
    mesh.result(id).await.record
}

/// The ids of the next `count` tasks to start.
async fn next_starts(starts: &mut Starts, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(starts.recv().await.expect("tasks go on starting").1);
    }
    ids
}

fn parks() -> String {
    DROP.replace("infeasible: drop", "infeasible: park")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_cannot_meet_its_deadline_is_dropped_and_one_that_can_is_served() {
    let mesh = Mesh::start(DROP).await;
    publish_late(&mesh, "late", "pay", Some(TOO_SOON_MS)).await;
    publish(&mesh, "fits", "pay", Some(2 * HOUR_MS)).await;
    let (probe, mut starts) = Probe::gated();
    probe.release(9);
    mesh.worker("w", 1, probe).await;

    let late = record(&mesh, "late").await;
    let error = late.error.expect("it says why");
    assert_eq!((late.state, error.kind.as_str()), (State::Expired, "expired"));
    assert_eq!(error.message, "it could not meet its deadline any more");
    assert_eq!(record(&mesh, "fits").await.state, State::Completed);
    assert_eq!(next_starts(&mut starts, 1).await, ["fits"]);
    Bare::of(&mesh.server).await.until_empty("FL_NORMAL").await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_late_by_its_class_s_slo_alone_is_served() {
    let mesh = Mesh::start(DROP).await;
    publish_late(&mesh, "late", "brisk", None).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    assert_eq!(record(&mesh, "late").await.state, State::Completed);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_with_half_its_time_is_tried_whatever_tasks_are_expected_to_take() {
    let mesh = Mesh::start(DROP).await;
    publish(&mesh, "fresh", "pay", Some(TOO_SOON_MS)).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    assert_eq!(record(&mesh, "fresh").await.state, State::Completed);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_policy_says_serve_a_task_is_served_however_little_time_it_has() {
    let mesh = Mesh::start(&DROP.replace("infeasible: drop", "infeasible: serve")).await;
    publish_late(&mesh, "late", "pay", Some(TOO_SOON_MS)).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    assert_eq!(record(&mesh, "late").await.state, State::Completed);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_task_is_served_when_it_is_taken_out_and_tasks_have_turned_out_to_be_cheaper() {
    let mesh = Mesh::start(&parks()).await;
    let bare = Bare::of(&mesh.server).await;
    publish_late(&mesh, "late", "pay", Some(TOO_SOON_MS)).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let parked = bare.first(subject::ARCHIVE, "fl.archive.pay.late").await;
    let headers = parked.headers.clone().expect("a parked task has headers");
    assert_eq!(headers.get("Fl-Reason").expect("a reason").as_str(), "infeasible");
    bare.first("FL_EVENTS", "fl.event.pay.late.archive").await;
    bare.until_empty("FL_NORMAL").await;
    let (_, listed) = cli::run_at(&mesh.server, &["archive", "ls", "--reason", "infeasible"]).await;
    assert_eq!(listed["parked"][0]["task_id"], "late", "{listed}");

    // Each of them takes a millisecond or so.
    mesh.submit_many("pay", 32, "0").await;
    for n in 0..32 {
        assert_eq!(record(&mesh, &format!("pay-{n}")).await.state, State::Completed);
    }
    let mut lane = bare.hear("fl.task.normal.>").await;
    let (code, told) = cli::run_at(&mesh.server, &["archive", "replay", "late"]).await;
    assert_eq!((code, &told["replayed"]), (Some(0), &serde_json::json!(1)));
    let history = lane.next().await.headers.expect("ours have headers");
    let history = history.get("Fl-History").expect("what befell it").as_str();
    assert!(
        history.contains(r#""kind":"yielded""#),
        "no timeout of it: {history}"
    );
    let late = record(&mesh, "late").await;
    assert_eq!((late.state, late.hop, late.attempt), (State::Completed, 1, 0));
    assert_eq!(bare.stream(subject::ARCHIVE).await.messages, 0);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_the_archive_has_no_room_for_ends_as_expired() {
    let mesh = Mesh::start(&parks()).await;
    let bare = Bare::of(&mesh.server).await;
    bare.limit(subject::ARCHIVE, 1).await;
    for id in ["first", "second"] {
        publish_late(&mesh, id, "pay", Some(TOO_SOON_MS)).await;
    }
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let second = record(&mesh, "second").await;
    let error = second.error.expect("it says why");
    assert_eq!(second.state, State::Expired);
    assert_eq!(
        error.message,
        "it could not meet its deadline any more, and the archive has no room for it"
    );
    bare.first(subject::ARCHIVE, "fl.archive.pay.first").await;
    mesh.stop().await;
}

/// Looks at eight tasks of a class at once, and takes that with the earliest deadline.
const LOOKS_AHEAD: &str = "
version: 1
lanes:
  core:   { concurrency: 64, timeout_ms: 60000, max_priority: 9 }
  normal: { concurrency: 64, timeout_ms: 60000 }
classes:
  pay: { priority: 1, share: 1, lookahead: { window: 8, order: edf } }
default_class: pay
models:
  m: { executor: simulate }
";

/// Has tasks with these minutes to go wait behind one that runs, and says in which order they start.
async fn served(minutes: &[u64]) -> Vec<String> {
    let mesh = Mesh::start(LOOKS_AHEAD).await;
    publish(&mesh, "runs", "pay", None).await;
    for m in minutes {
        publish(&mesh, &format!("{m}"), "pay", Some(m * 60_000)).await;
    }
    let (probe, mut starts) = Probe::gated();
    mesh.worker("w", 1, probe.clone()).await;
    assert_eq!(next_starts(&mut starts, 1).await, ["runs"]);
    let bare = Bare::of(&mesh.server).await;
    bare.until_held("FL_NORMAL", "pay=m=0", minutes.len() + 1).await;
    probe.release(minutes.len() + 1);
    let ids = next_starts(&mut starts, minutes.len()).await;
    bare.until_empty("FL_NORMAL").await;
    mesh.stop().await;
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_looks_ahead_serves_what_waits_by_deadline() {
    let ids = served(&[50, 20, 70, 10, 60, 30, 40]).await;
    assert_eq!(ids, ["10", "20", "30", "40", "50", "60", "70"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_that_wait_are_put_in_order_too() {
    assert_eq!(served(&[30, 10, 20]).await, ["10", "20", "30"]);
}
