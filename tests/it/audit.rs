//! What nobody would come to is found by the audit, put in order, and told of.

use std::sync::Arc;
use std::time::Duration;

use fairlane::clock;
use fairlane::coordinator::{CallbackOptions, CoordinatorOptions};
use fairlane::executor::simulate::Simulate;
use fairlane::task::{DeadReason, EventKind, Lane, State, TaskId};
use fairlane::wire::{ResultRecord, Submission, submission_body};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{Bare, Mesh, PATIENCE, Role, TWO_CLASSES, cli, connect, publish_raw};

/// A mesh whose audit leaves nothing alone, however fresh it is.
async fn mesh() -> Mesh {
    let mut mesh = Mesh::start(TWO_CLASSES).await;
    mesh.coordinator.stop(PATIENCE).await;
    let options = CoordinatorOptions {
        audit_grace_ms: 0,
        ..CallbackOptions::default().into()
    };
    mesh.coordinator = mesh.coordinator_with(options).await;
    mesh
}

/// The first repair that is told of a task, awaited.
async fn repair(mesh: &Mesh, id: &str) -> String {
    let bare = Bare::of(&mesh.server).await;
    bare.first("FL_EVENTS", &format!("fl.event.*.{id}.repair")).await;
    let id = TaskId::new(id).expect("a task id");
    let events = mesh.broker.events(&id).await.expect("the server answers");
    let found = events
        .into_iter()
        .find(|event| event.record.kind == EventKind::Repair);
    found.expect("it is told").record.detail
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_the_server_gave_up_becomes_a_dead_letter_whether_it_says_so_or_not() {
    for is_told in [true, false] {
        let mesh = mesh().await;
        mesh.submit("t", "pay", "1").await.expect("accepted");
        let bare = Bare::of(&mesh.server).await;
        if !is_told {
            let deleted = bare.jetstream.delete_stream("FL_ADVISORIES").await;
            deleted.expect("nobody stores what it tells");
        }
        bare.deliver_once("FL_CORE", "pay=m=0").await;
        let (letter, original) = mesh.dead_letter("t").await;
        assert_eq!(letter.reason, DeadReason::Poison);
        let body: Value = serde_json::from_slice(&original.body).expect("JSON");
        assert_eq!(body["input"], 1, "the task is whole");
        assert_eq!(mesh.result("t").await.record.state, State::Dead);
        bare.until_empty("FL_CORE").await;
        assert!(repair(&mesh, "t").await.contains("as often as it ever will"));
        mesh.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_names_no_time_is_fired_or_ends() {
    let mesh = mesh().await;
    let bare = Bare::of(&mesh.server).await;
    let target = ("Nats-Schedule-Target", "fl.retry.due.core.pay.m");
    for (id, headers) in [("goes-on", &[target][..]), ("ends", &[])] {
        let body = json!({"task_id": id, "model": "m", "input": 1}).to_string();
        let subject = format!("fl.retry.at.{id}");
        bare.publish(&subject, headers, body)
            .await
            .expect("the stream has it");
    }
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    assert_eq!(mesh.result("goes-on").await.record.state, State::Completed);
    let (letter, _) = mesh.dead_letter("ends").await;
    assert_eq!(letter.reason, DeadReason::Malformed);
    bare.until_empty("FL_RETRY").await;
    assert!(repair(&mesh, "goes-on").await.contains("fired by hand"));
    assert!(repair(&mesh, "ends").await.contains("does not name"));
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_task_without_its_letter_gets_one_unless_somebody_took_it() {
    let mesh = mesh().await;
    for id in ["lost", "taken"] {
        mesh.submit(id, "pay", r#"{"fail_rate":1,"fail_kind":"permanent"}"#)
            .await
            .expect("accepted");
    }
    // A record that nothing follows.
    let record = dead_record(&mesh, "bare");
    mesh.broker
        .publish_result(&record, 0)
        .await
        .expect("it is the first");
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let id = TaskId::new("taken").expect("a task id");
    mesh.dead_letter("taken").await;
    let shelf = fairlane::broker::shelf::Shelf::Dead;
    let kept = mesh.broker.kept(shelf, &id).await.expect("the server answers");
    let thrown = mesh.broker.throw_away(shelf, &kept.expect("it is stored")).await;
    thrown.expect("it is thrown away");
    let (letter, _) = mesh.dead_letter("bare").await;
    assert_eq!(letter.reason, DeadReason::Timeout, "as the record says");
    assert!(repair(&mesh, "bare").await.contains("was missing"));
    let gone = mesh.broker.kept(shelf, &id).await.expect("the server answers");
    assert!(gone.is_none(), "what was thrown away stays away");
    mesh.stop().await;
}

fn dead_record(mesh: &Mesh, id: &str) -> ResultRecord {
    let task = mesh.task(id, Lane::Core, "pay");
    ResultRecord {
        policy: None,
        task_id: task.id,
        state: State::Dead,
        hop: 1,
        attempt: 1,
        class: task.class,
        tenant: task.tenant,
        worker: "w".to_owned(),
        queued_ms: 0,
        exec_ms: 0,
        output: Value::Null,
        usage: json!({}),
        error: Some(fairlane::wire::ResultError {
            kind: "timeout".to_owned(),
            message: "too slow".to_owned(),
        }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_coordinators_leads_and_the_other_takes_over() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.coordinator.stop(PATIENCE).await;
    let (a, b) = (connect(&mesh.server, "a").await, connect(&mesh.server, "b").await);
    let second = Duration::from_secs(1);
    let term = a
        .lead("test", "a", second, None)
        .await
        .expect("answered")
        .expect("nobody has it");
    assert_eq!(b.lead("test", "b", second, None).await.expect("answered"), None);
    let term = a
        .lead("test", "a", second, Some(term))
        .await
        .expect("answered")
        .expect("renewed");
    a.abdicate("test", term).await.expect("answered");
    let old = term;
    let term = b
        .lead("test", "b", second, None)
        .await
        .expect("answered")
        .expect("given back");
    assert_eq!(
        a.lead("test", "a", second, Some(old)).await.expect("answered"),
        None,
        "its term is over"
    );
    // Nobody renews it: the server's timer ends it.
    let bare = Bare::of(&mesh.server).await;
    bare.until_no_message("KV_fl_control", "$KV.fl_control.lease.test")
        .await;
    assert_eq!(
        b.lead("test", "b", second, Some(term)).await.expect("answered"),
        None,
        "too late"
    );
    let taken = a.lead("test", "a", second, None).await.expect("answered");
    assert!(taken.is_some(), "an end by time frees it");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_end_connections_end_neither_the_audit_nor_the_look_at_what_waits() {
    let yaml = TWO_CLASSES.replace("share: 40", "share: 40, max_wait_ms: 1000, on_max_wait: promote");
    let mesh = Mesh::start(&yaml).await;
    mesh.coordinator.stop(PATIENCE).await;
    let odd = b"NATS/1.0\r\nA: b\rc\r\n\r\n";
    for subject in [
        "fl.task.normal.bulk.m.0",
        "fl.retry.at.odd",
        "fl.result.strange",
        "fl.archive.bulk.odd",
        "fl.held.odd",
    ] {
        publish_raw(&mesh.server, subject.as_bytes(), odd, b"{}");
    }
    let waits = mesh.task("waits", Lane::Normal, "bulk");
    mesh.publish(&waits, "1").await.expect("accepted");
    let bare = Bare::of(&mesh.server).await;
    let never = [("Nats-Schedule-Target", "fl.retry.due.core.pay.m")];
    let body = r#"{"task_id":"never","model":"m","input":1}"#;
    bare.publish("fl.retry.at.never", &never, body)
        .await
        .expect("the stream has it");

    let file = tempfile::NamedTempFile::new().expect("there is a place for temporary files");
    std::fs::write(file.path(), &yaml).expect("it can be written");
    let policy = file.path().to_str().expect("a path in UTF-8");
    let mut role = Role::start(&["coordinator", "--nats", mesh.server.url(), "--policy", policy]);
    // Both lie behind a message that nobody can read.
    role.says("a task that waited for too long is moved task.id=waits")
        .await;
    bare.first("FL_EVENTS", "fl.event.*.waits.promote").await;
    assert!(repair(&mesh, "never").await.contains("fired by hand"));
    let (code, told) = cli::run_at(&mesh.server, &["task", "ls", "--lane", "core"]).await;
    assert_eq!(code, Some(0), "{told}");
    role.signal(Signal::SIGTERM);
    let (status, log) = role.ended().await;
    assert!(status.success(), "{status}\n{log}");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_balance_and_say_what_does_not_add_up() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.done_failed_and_again().await;
    let bare = Bare::of(&mesh.server).await;
    mesh.lifecycle.stop(PATIENCE).await;
    mesh.coordinator.stop(PATIENCE).await;
    bare.task(r#"{"task_id":"waits","model":"m","input":1}"#).await;
    let (exit, balanced) = cli::run_at(&mesh.server, &["audit"]).await;
    assert_eq!((exit, &balanced["findings"]), (Some(0), &json!([])));
    let states = json!({"queued": 1, "retrying": 1, "completed": 1, "dead": 1});
    assert_eq!(balanced["states"], states);
    let sums = ["accepted", "terminal", "live"].map(|sum| balanced[sum].as_u64().expect("a number"));
    assert_eq!(sums, [4, 2, 2]);

    for (subject, body) in [
        ("$KV.fl_tasks.lost", confirmed(&mesh, "lost")),
        (
            "fl.task.core.pay.other.0",
            r#"{"task_id":"odd","model":"other","input":1}"#.into(),
        ),
        ("fl.retry.at.never", "{}".into()),
    ] {
        bare.publish(subject, &[], body).await.expect("the stream has it");
    }
    let record = dead_record(&mesh, "bare");
    mesh.broker
        .publish_result(&record, 0)
        .await
        .expect("it is the first");
    let (exit, found) = cli::run_at(&mesh.server, &["audit"]).await;
    assert_eq!(exit, Some(1));
    let findings = found["findings"].as_array().expect("a list").iter();
    let findings: Vec<_> = findings
        .map(|finding| (finding["what"].as_str(), finding["of"].as_str()))
        .collect();
    let expected = [
        ("lost", "lost"),
        ("no_letter", "bare"),
        ("uncovered", "fl.task.core.pay.other.0"),
        ("overdue", "never"),
    ];
    assert_eq!(findings, expected.map(|(what, of)| (Some(what), Some(of))));
    mesh.stop().await;
}

/// What a gateway notes of a task that a lane has confirmed.
fn confirmed(mesh: &Mesh, id: &str) -> Vec<u8> {
    let task = mesh.task(id, Lane::Core, "pay");
    submission_body(&Submission {
        held: None,
        task_id: task.id,
        lane: task.lane,
        class: task.class,
        model: task.model,
        tenant: task.tenant,
        digest: String::new(),
        submitted_at: clock::wall(),
        callback: None,
        sequence: Some(1),
        archived: None,
        run_at: None,
        timer: None,
    })
}
