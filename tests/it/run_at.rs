//! Tasks that are to start later: a timer of the server holds them until then.

use std::sync::Arc;

use fairlane::broker::publish::Original;
use fairlane::broker::subject;
use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::task::{EpochMs, Lane, State, TaskId};
use fairlane::wire::{parse_rfc3339, to_rfc3339};
use serde_json::{Value, json};

use crate::rest::POLICY;
use crate::support::{Bare, Door, Mesh, PATIENCE, Probe, cli};

/// A task of that name that starts in `ms`, as a body, and when that is.
fn starting_in(id: &str, ms: u64) -> (String, EpochMs) {
    let at = clock::wall().plus_ms(ms);
    let run_at = to_rfc3339(at);
    let body = json!({"task_id": id, "model": "m", "input": 1, "priority": 1, "run_at": run_at});
    (body.to_string(), at)
}

const HOUR_MS: u64 = 3_600_000;

async fn status(door: &Door, id: &str) -> Value {
    door.get(&format!("/v1/tasks/{id}")).await.json()
}

async fn cli_of(mesh: &Mesh, arguments: &[&str]) -> (Option<i32>, Value) {
    cli::run_at(&mesh.server, &[&["task"], arguments].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_starts_once_and_not_before_its_time() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    // A second coordinator reads the same feed.
    mesh.coordinator().await;
    let (body, at) = starting_in("later", 1_500);
    let accepted = door.post(body.clone()).await;
    let same =
        json!({"task_id":"later","lane":"core","class":"pay","state":"scheduled","run_at":to_rfc3339(at)});
    assert_eq!((accepted.status, accepted.json()), (202, same.clone()));
    let seen = status(&door, "later").await;
    let facts = ["state", "run_at", "next_attempt_at"].map(|field| seen[field].clone());
    assert_eq!(facts, [json!("scheduled"), json!(to_rfc3339(at)), Value::Null]);
    // The same again is the same task, before and after it has run.
    let again = door.post(body.clone()).await;
    assert_eq!(
        (again.header("Idempotency-Replayed"), again.json()),
        ("true", same.clone())
    );
    let ended = mesh.result("later").await;
    let record = &ended.record;
    assert_eq!(
        (record.state, record.attempt, record.hop),
        (State::Completed, 0, 1)
    );
    assert!(
        ended.stored_at >= at,
        "it ran {} ms too early",
        at.since(ended.stored_at)
    );
    assert!(
        record.queued_ms < 1_500,
        "its wait counts from {at:?}: {}",
        record.queued_ms
    );
    assert_eq!(door.post(body).await.json(), same);
    assert_eq!(status(&door, "later").await["state"], "completed");
    let bare = Bare::of(&mesh.server).await;
    bare.until_empty("FL_CORE").await;
    assert_eq!(
        bare.stream("FL_CORE").await.last_sequence,
        1,
        "it was published once"
    );
    assert_eq!(bare.stream("FL_RESULTS").await.last_sequence, 1);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_past_is_now() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    let body = r#"{"task_id":"t","model":"m","input":1,"run_at":"2020-01-01T00:00:00Z"}"#;
    assert_eq!(door.post(body).await.json()["state"], "queued");
    assert_eq!(Bare::of(&mesh.server).await.stream("FL_RETRY").await.messages, 0);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_was_cancelled_before_its_time_is_never_executed() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let (probe, mut starts) = Probe::gated();
    mesh.worker("w", 1, probe).await;
    assert_eq!(door.post(starting_in("off", HOUR_MS).0).await.status, 202);
    assert_eq!(door.delete("off").await.json()["state"], "cancelled");
    assert_eq!(status(&door, "off").await["state"], "cancelled");
    bare.until_no_message(subject::RETRY, "fl.retry.at.off").await;
    // Its time came just before: it is on its way to its lane when it is cancelled.
    assert_eq!(door.post(starting_in("late", HOUR_MS).0).await.status, 202);
    let kept = bare.first(subject::RETRY, "fl.retry.at.late").await;
    assert_eq!(door.delete("late").await.status, 200);
    let headers = kept.headers.clone().expect("a task's");
    let own: Vec<(String, String)> = headers
        .iter()
        .map(|(name, values)| (name.to_string(), values[0].to_string()))
        .filter(|(name, _)| name.starts_with("Fl-"))
        .collect();
    let own: Vec<(&str, &str)> = own.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let fired = bare.publish("fl.retry.due.core.pay.m", &own, kept.payload.clone());
    fired.await.expect("as the server would");
    mesh.submit("next", "pay", r#""passes""#).await.expect("accepted");
    let mut heard = Vec::new();
    heard.push(starts.recv().await.expect("one starts").1);
    bare.until_empty("FL_CORE").await;
    bare.until_empty("FL_RETRY").await;
    while let Ok((_, id)) = starts.try_recv() {
        heard.push(id);
    }
    assert_eq!(heard, ["next"]);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_known_for_as_long_as_it_waits() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let (body, at) = starting_in("far", 48 * HOUR_MS);
    assert_eq!(door.post(body).await.status, 202);
    // Its record ages out long before.
    let records = bare.jetstream.get_stream("KV_fl_tasks").await.expect("it exists");
    bare.first("KV_fl_tasks", "$KV.fl_tasks.far").await;
    records.purge().filter("$KV.fl_tasks.far").await.expect("purged");
    let seen = status(&door, "far").await;
    assert_eq!(
        (&seen["state"], &seen["run_at"]),
        (&json!("scheduled"), &json!(to_rfc3339(at)))
    );
    let of_another = door.request("GET", "/v1/tasks/far").header("Fl-Tenant", "acme");
    let of_another = crate::support::Answered::of(of_another).await;
    assert_eq!(of_another.status, 404);
    assert_eq!(door.delete("far").await.status, 200);
    bare.until_no_message(subject::RETRY, "fl.retry.at.far").await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_delays_lists_shows_and_cancels() {
    let mesh = Mesh::start(POLICY).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), POLICY).expect("it can be written");
    let policy = file.path().to_str().expect("UTF-8");
    let before = clock::wall();
    let submit = [
        "submit",
        "--model",
        "m",
        "--input",
        "1",
        "--policy",
        policy,
        "--task-id",
    ];
    let (code, told) = cli_of(&mesh, &[&submit[..], &["d", "--delay", "1h"]].concat()).await;
    assert_eq!((code, &told["state"]), (Some(0), &json!("scheduled")), "{told}");
    let at = parse_rfc3339(told["run_at"].as_str().expect("a time")).expect("RFC 3339");
    let after = clock::wall();
    assert!(at >= before.plus_ms(HOUR_MS) && at <= after.plus_ms(HOUR_MS));
    let (_, got) = cli_of(&mesh, &["get", "d"]).await;
    assert_eq!(
        (&got["state"], &got["due"], &got["attempt"]),
        (&json!("scheduled"), &told["run_at"], &json!(0))
    );
    let (_, listed) = cli_of(&mesh, &["ls", "--state", "scheduled"]).await;
    assert_eq!(listed["tasks"][0]["task_id"], "d");
    let (_, none) = cli_of(&mesh, &["ls", "--state", "retrying"]).await;
    assert_eq!(none["tasks"], json!([]));
    let (code, books) = cli::run_at(&mesh.server, &["audit"]).await;
    assert_eq!(
        (code, &books["states"], &books["live"]),
        (Some(0), &json!({"scheduled": 1}), &json!(1))
    );
    let (code, told) = cli_of(
        &mesh,
        &[&submit[..], &["e", "--run-at", "2099-01-01T00:00:00Z"]].concat(),
    )
    .await;
    assert_eq!((code, told), (Some(3), Value::Null), "more than a year ahead");
    let (code, _) = cli_of(&mesh, &["cancel", "d"]).await;
    assert_eq!(code, Some(0));
    let id = TaskId::new("d").expect("an id");
    assert_eq!(mesh.broker.waiting(&id).await.expect("answered"), None);
    assert_eq!(mesh.result("d").await.record.state, State::Cancelled);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_outlives_the_coordinators() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    let (body, at) = starting_in("alone", 1_000);
    mesh.coordinator.stop(PATIENCE).await;
    assert_eq!(door.post(body).await.status, 202);
    let bare = Bare::of(&mesh.server).await;
    bare.until_no_message(subject::RETRY, "fl.retry.at.alone").await;
    assert!(clock::wall() >= at);
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    mesh.coordinator().await;
    assert_eq!(mesh.result("alone").await.record.state, State::Completed);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_task_that_is_early_waits_on_a_timer_too() {
    let mesh = Mesh::start(POLICY).await;
    let bare = Bare::of(&mesh.server).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let (body, at) = starting_in("bare", 1_500);
    bare.task(body).await;
    let ended = mesh.result("bare").await;
    assert!(
        ended.stored_at >= at,
        "it ran {} ms too early",
        at.since(ended.stored_at)
    );
    let record = ended.record;
    assert_eq!(
        (record.state, record.attempt, record.hop),
        (State::Completed, 0, 1)
    );
    bare.until_empty("FL_CORE").await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_full_when_the_time_has_come_costs_no_attempt() {
    let mesh = Mesh::start(POLICY).await;
    let bare = Bare::of(&mesh.server).await;
    mesh.submit("first", "pay", "1").await.expect("accepted");
    bare.limit("FL_CORE", 1).await;
    let task = mesh.task("second", Lane::Core, "pay");
    let body = Original::new(r#"{"model":"m","input":1}"#.into());
    let due = clock::wall();
    let set = mesh.broker.publish_at(&task, due, &body, &[]).await;
    set.expect("the timer is set");
    bare.first("FL_EVENTS", "fl.event.*.second.retry").await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let record = mesh.result("second").await.record;
    assert_eq!(
        (record.state, record.attempt, record.hop),
        (State::Completed, 0, 1)
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_with_a_time_and_dependencies_waits_for_both() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    let (probe, mut starts) = Probe::gated();
    mesh.worker("w", 1, probe.clone()).await;
    let parent = json!({"task_id": "parent", "model": "m", "input": 1, "priority": 1});
    assert_eq!(door.post(parent.to_string()).await.status, 202);
    let at = clock::wall().plus_ms(500);
    let child = json!({"task_id": "child", "model": "m", "input": 1, "priority": 1, "depends_on": ["parent"],
                       "run_at": to_rfc3339(at)});
    assert_eq!(door.post(child.to_string()).await.json()["state"], "scheduled");
    assert_eq!(starts.recv().await.expect("it starts").1, "parent");
    // Its time has come, and it gives way.
    probe.release(1);
    assert_eq!(starts.recv().await.expect("it starts").1, "child");
    assert!(clock::wall() >= at);
    probe.release(1);
    assert_eq!(mesh.result("child").await.record.state, State::Completed);
    // The other way round: its time has passed, what it waits for has not.
    let slow = json!({"task_id": "slow", "model": "m", "input": 1, "priority": 1});
    assert_eq!(door.post(slow.to_string()).await.status, 202);
    let at = to_rfc3339(clock::wall().plus_ms(200));
    let second = json!({"task_id": "second", "model": "m", "input": 1, "priority": 1, "depends_on": ["slow"],
                        "run_at": at});
    assert_eq!(door.post(second.to_string()).await.json()["state"], "scheduled");
    mesh.worker("w2", 1, probe.clone()).await;
    assert_eq!(starts.recv().await.expect("it starts").1, "slow");
    let bare = Bare::of(&mesh.server).await;
    bare.first("FL_HELD", "fl.held.second").await;
    let seen = status(&door, "second").await;
    assert_eq!(
        (&seen["state"], &seen["waits_for"]),
        (&json!("blocked"), &json!(["slow"]))
    );
    probe.release(1);
    assert_eq!(starts.recv().await.expect("it starts").1, "second");
    probe.release(1);
    assert_eq!(mesh.result("second").await.record.state, State::Completed);
    mesh.stop().await;
}

/// As if the server's timer had fired early: what it published is for a time that is still to come.
#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_fires_a_moment_early_starts_nothing_early() {
    let mesh = Mesh::start(POLICY).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let at = clock::wall().plus_ms(900);
    let enqueued_at = at.0.to_string();
    let headers = [
        ("Fl-Version", "1"),
        ("Fl-Task-Id", "early"),
        ("Fl-Model", "m"),
        ("Fl-Tenant", "default"),
        ("Fl-Shard", "0"),
        ("Fl-Enqueued-At", enqueued_at.as_str()),
    ];
    let body = r#"{"task_id":"early","model":"m","input":1}"#;
    let published = Bare::of(&mesh.server)
        .await
        .publish("fl.retry.due.core.pay.m", &headers, body)
        .await;
    published.expect("it is stored");
    let ended = mesh.result("early").await;
    assert_eq!(ended.record.state, State::Completed, "{:?}", ended.record);
    let early_ms = at.since(ended.stored_at);
    assert!(ended.stored_at >= at, "it ran {early_ms} ms too early");
    mesh.stop().await;
}
