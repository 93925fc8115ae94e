//! A process ends between two writes that belong together: whoever comes next finishes them, and nothing is doubled.

use fairlane::coordinator::{CallbackOptions, CoordinatorOptions};
use fairlane::executor::simulate::Simulate;
use fairlane::task::{DeadReason, State};

use crate::support::{Bare, Mesh, PATIENCE, Role};

const POLICY: &str = "
version: 1
lanes:
  core:   { timeout_ms: 100, on_timeout: demote, max_priority: 2, ack_wait_ms: 1000 }
  normal: { timeout_ms: 60000, ack_wait_ms: 1000 }
classes:
  pay: { priority: 1, share: 1 }
default_class: pay
models:
  m: { executor: simulate }
retry: { kind: fixed, base_ms: 1, jitter: none, max_attempts: 2 }
";

const FAILS_ONCE: &str = r#"{"fail_attempts":1}"#;
const FAILS: &str = r#"{"fail_rate":1,"fail_kind":"permanent"}"#;
const SLOW: &str = r#"{"service_ms":500}"#;

/// Starts `role`, which is to end at `failpoint`.
fn doomed(mesh: &Mesh, role: &str, failpoint: &str, yaml: &str) -> (Role, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().expect("there is a place for temporary files");
    std::fs::write(file.path(), yaml).expect("it can be written");
    let policy = file.path().to_str().expect("a path in UTF-8");
    let arguments = [role, "--nats", mesh.server.url(), "--policy", policy];
    let role = Role::start_with(&arguments, &[("FAIRLANE_FAILPOINT", failpoint)]);
    (role, file)
}

/// Has the message that the dead coordinator held delivered again at once: it had half a minute for it.
async fn come_back(bare: &Bare, consumer: &str) {
    let wait = std::time::Duration::from_millis(1);
    bare.ack_wait("FL_RETRY", consumer, wait).await;
    let again = async {
        while bare.redelivered("FL_RETRY", consumer).await == 0 {
            bare.ask("FL_RETRY", consumer).await;
        }
    };
    tokio::time::timeout(PATIENCE, again)
        .await
        .expect("it comes back");
}

/// Kills a coordinator at `failpoint` while it handles a task with `input`; another takes over. What it was reading
/// is delivered again.
async fn after_the_death_of_a_coordinator(failpoint: &str, consumer: &str, input: &str, yaml: &str) -> Mesh {
    let mesh = Mesh::start(yaml).await;
    mesh.coordinator.stop(PATIENCE).await;
    let (role, _policy) = doomed(&mesh, "coordinator", failpoint, yaml);
    mesh.worker("w", 1, std::sync::Arc::new(Simulate)).await;
    mesh.submit("t", "pay", input).await.expect("accepted");
    let (status, log) = role.ended().await;
    assert!(!status.success() && log.contains(failpoint), "{status}\n{log}");
    come_back(&Bare::of(&mesh.server).await, consumer).await;
    mesh.coordinator().await;
    mesh
}

/// Publications to each lane so far.
async fn published(mesh: &Mesh) -> (u64, u64) {
    let bare = Bare::of(&mesh.server).await;
    let (core, normal) = (bare.stream("FL_CORE").await, bare.stream("FL_NORMAL").await);
    (core.last_sequence, normal.last_sequence)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_dies_between_the_timer_and_the_ack_leaves_one_retry() {
    for (failpoint, consumer) in [
        ("coordinator.after_schedule", "reports"),
        ("coordinator.after_due", "due"),
    ] {
        let mesh = after_the_death_of_a_coordinator(failpoint, consumer, FAILS_ONCE, POLICY).await;
        let record = mesh.result("t").await.record;
        assert_eq!(
            (record.state, record.attempt),
            (State::Completed, 1),
            "{failpoint}"
        );
        settled(&mesh).await;
        assert_eq!(published(&mesh).await, (2, 0), "{failpoint}");
        mesh.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_dies_between_the_demotion_and_the_ack_leaves_one_task() {
    let mesh = after_the_death_of_a_coordinator("coordinator.after_demotion", "reports", SLOW, POLICY).await;
    let record = mesh.result("t").await.record;
    assert_eq!((record.state, record.hop), (State::Completed, 1));
    settled(&mesh).await;
    assert_eq!(published(&mesh).await, (1, 1));
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_dies_after_it_has_parked_a_task_parks_it_once() {
    let yaml = POLICY.replace("demote", "archive");
    let mesh = after_the_death_of_a_coordinator("coordinator.after_archive", "reports", SLOW, &yaml).await;
    settled(&mesh).await;
    let archive = Bare::of(&mesh.server).await.stream("FL_ARCHIVE").await;
    assert_eq!((archive.messages, archive.last_sequence), (1, 1));
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_dies_around_the_dead_letter_leaves_one_record_and_one_letter() {
    for failpoint in [
        "coordinator.after_record",
        "coordinator.after_fence",
        "coordinator.after_letter",
    ] {
        let mesh = after_the_death_of_a_coordinator(failpoint, "reports", FAILS, POLICY).await;
        let (letter, _) = mesh.dead_letter("t").await;
        assert_eq!(letter.reason, DeadReason::Permanent, "{failpoint}");
        assert_eq!(mesh.result("t").await.record.state, State::Dead);
        settled(&mesh).await;
        let bare = Bare::of(&mesh.server).await;
        for stream in ["FL_DEAD", "FL_RESULTS"] {
            assert_eq!(
                bare.stream(stream).await.last_sequence,
                1,
                "{stream} after {failpoint}"
            );
        }
        mesh.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_dies_while_it_moves_a_task_leaves_one_task() {
    let bound = "share: 1, max_wait_ms: 1000, on_max_wait: promote";
    let yaml = POLICY.replace("share: 1", bound);
    for failpoint in ["move.after_hold", "move.after_removal", "move.after_publish"] {
        let mesh = Mesh::start(&yaml).await;
        mesh.coordinator.stop(PATIENCE).await;
        let (role, _policy) = doomed(&mesh, "coordinator", failpoint, &yaml);
        let task = mesh.task("t", fairlane::task::Lane::Normal, "pay");
        mesh.publish(&task, "1").await.expect("accepted");
        let (status, log) = role.ended().await;
        assert!(!status.success() && log.contains(failpoint), "{status}\n{log}");
        let options = CoordinatorOptions {
            audit_grace_ms: 0,
            ..CallbackOptions::default().into()
        };
        let next = mesh.coordinator_with(options).await;
        let bare = Bare::of(&mesh.server).await;
        bare.first("FL_EVENTS", "fl.event.*.t.repair").await;
        mesh.worker("w", 1, std::sync::Arc::new(Simulate)).await;
        let record = mesh.result("t").await.record;
        assert_eq!((record.state, record.hop), (State::Completed, 1), "{failpoint}");
        bare.until_empty("FL_CORE").await;
        let streams = ["FL_HELD", "FL_NORMAL"];
        for stream in streams {
            assert_eq!(
                bare.stream(stream).await.messages,
                0,
                "{stream} after {failpoint}"
            );
        }
        assert_eq!(published(&mesh).await, (1, 1), "{failpoint}");
        next.stop(PATIENCE).await;
        mesh.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_between_its_answer_and_the_ack_leaves_one_answer() {
    for (failpoint, input, publications) in [
        ("worker.after_result", "1", 1),
        ("worker.after_report", FAILS_ONCE, 2),
    ] {
        let mesh = Mesh::start(POLICY).await;
        let (role, _policy) = doomed(&mesh, "worker", failpoint, POLICY);
        mesh.submit("t", "pay", input).await.expect("accepted");
        let (status, log) = role.ended().await;
        assert!(!status.success() && log.contains(failpoint), "{status}\n{log}");
        mesh.worker("next", 1, std::sync::Arc::new(Simulate)).await;
        assert_eq!(
            mesh.result("t").await.record.state,
            State::Completed,
            "{failpoint}"
        );
        // Its copy comes back after ack_wait and is dropped.
        let bare = Bare::of(&mesh.server).await;
        bare.until_empty("FL_CORE").await;
        assert_eq!(bare.stream("FL_RESULTS").await.last_sequence, 1, "{failpoint}");
        assert_eq!(published(&mesh).await.0, publications, "{failpoint}");
        mesh.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_around_the_dead_letter_of_a_malformed_task_leaves_one_of_each() {
    for failpoint in ["worker.after_fence", "worker.after_letter"] {
        let mesh = Mesh::start(POLICY).await;
        let (role, _policy) = doomed(&mesh, "worker", failpoint, POLICY);
        let bare = Bare::of(&mesh.server).await;
        let id = [("Fl-Task-Id", "t")];
        let stored = bare.publish("fl.task.core.pay.m.0", &id, "no task").await;
        stored.expect("the lane takes it");
        let (status, log) = role.ended().await;
        assert!(!status.success() && log.contains(failpoint), "{status}\n{log}");
        mesh.worker("next", 1, std::sync::Arc::new(Simulate)).await;
        let (letter, _) = mesh.dead_letter("t").await;
        assert_eq!(letter.reason, DeadReason::Malformed, "{failpoint}");
        bare.until_empty("FL_CORE").await;
        for stream in ["FL_DEAD", "FL_RESULTS"] {
            assert_eq!(
                bare.stream(stream).await.last_sequence,
                1,
                "{stream} after {failpoint}"
            );
        }
        mesh.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_dies_between_the_end_of_a_wait_and_its_place_leaves_one_record() {
    let bound = "share: 1, max_wait_ms: 1000, on_max_wait: expire";
    let yaml = POLICY.replace("share: 1", bound);
    let mesh = Mesh::start(&yaml).await;
    mesh.coordinator.stop(PATIENCE).await;
    let (role, _policy) = doomed(&mesh, "coordinator", "expire.after_fence", &yaml);
    mesh.submit("t", "pay", "1").await.expect("accepted");
    let (status, log) = role.ended().await;
    assert!(
        !status.success() && log.contains("expire.after_fence"),
        "{status}\n{log}"
    );
    mesh.coordinator().await;
    let bare = Bare::of(&mesh.server).await;
    bare.first("FL_EVENTS", "fl.event.*.t.expire").await;
    assert_eq!(bare.stream("FL_CORE").await.messages, 0);
    assert_eq!(bare.stream("FL_RESULTS").await.last_sequence, 1);
    assert_eq!(mesh.result("t").await.record.state, State::Expired);
    mesh.stop().await;
}

/// Waits until every report and timer has been dealt with.
async fn settled(mesh: &Mesh) {
    Bare::of(&mesh.server).await.until_empty("FL_RETRY").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_dies_between_a_firing_and_the_next_leaves_one_task_and_one_timer() {
    let mesh = Mesh::start(POLICY).await;
    mesh.coordinator.stop(PATIENCE).await;
    let door = crate::support::Door::of(&mesh).await;
    let body = r#"{"name":"s","cron":"0 0 1 1 *","missed":"once","task":{"model":"m","input":1}}"#;
    let added = door.request("POST", "/v1/schedules").body(body);
    assert_eq!(crate::support::Answered::of(added).await.status, 201);
    let name = fairlane::task::TaskId::new("s").expect("a name");
    let found = mesh.broker.schedule(&name).await.expect("answered");
    let revision = found.expect("it is there").sequence;
    let (role, _policy) = doomed(&mesh, "coordinator", "coordinator.after_firing", POLICY);
    // The new year of 2026.
    let at = fairlane::task::EpochMs(1_767_225_600_000);
    let set = mesh.broker.set_firing(&name, revision, at).await;
    set.expect("the timer is set");
    let (status, log) = role.ended().await;
    assert!(
        !status.success() && log.contains("after_firing"),
        "{status}\n{log}"
    );
    let bare = Bare::of(&mesh.server).await;
    come_back(&bare, "ticks").await;
    mesh.coordinator().await;
    bare.until_no_message("FL_RETRY", "fl.retry.tick.s").await;
    let pending = mesh.broker.pending_firing(&name).await.expect("answered");
    assert!(
        matches!(pending, fairlane::broker::schedules::Pending::Waits(_)),
        "{pending:?}"
    );
    assert_eq!(published(&mesh).await, (1, 0));
    mesh.stop().await;
}
