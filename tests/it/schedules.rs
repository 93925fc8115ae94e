//! Tasks that come again and again: each firing is one task, whoever fires it and however often.

use std::sync::Arc;

use fairlane::broker::schedules::Pending;
use fairlane::broker::subject;
use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::policy::Cron;
use fairlane::task::{EpochMs, State, TaskId};
use fairlane::wire::{Schedule, to_rfc3339};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use crate::rest::POLICY;
use crate::support::{Answered, Bare, Door, Mesh, PATIENCE, cli};

/// Every new year: none comes while a test runs, and those that have come are told without a clock.
const YEARLY: &str = "0 0 1 1 *";

fn yearly(missed: &str) -> String {
    json!({
        "name": "yearly", "cron": YEARLY, "missed": missed,
        "task": {"model": "m", "input": 1},
    })
    .to_string()
}

/// The last `count` new years, oldest first, and the next one.
fn new_years(count: usize) -> (Vec<EpochMs>, EpochMs) {
    let cron = Cron::new(YEARLY, "UTC").expect("an expression");
    let now = clock::wall();
    let mut all: Vec<EpochMs> = std::iter::successors(cron.next(EpochMs(0)), |last| cron.next(*last))
        .take_while(|at| *at <= now)
        .collect();
    let next = cron.next(now).expect("there is always another");
    (all.split_off(all.len() - count), next)
}

async fn post(door: &Door, path: &str, body: &str) -> Answered {
    Answered::of(door.request("POST", path).body(body.to_owned())).await
}

fn name() -> TaskId {
    TaskId::new("yearly").expect("a name")
}

/// Adds the schedule; its revision.
async fn added(mesh: &Mesh, door: &Door, missed: &str) -> u64 {
    assert_eq!(post(door, "/v1/schedules", &yearly(missed)).await.status, 201);
    let found = mesh.broker.schedule(&name()).await.expect("answered");
    found.expect("it is written").sequence
}

/// Waits until the timer of the next new year is set again.
async fn until_set(mesh: &Mesh, next: EpochMs) {
    let bare = Bare::of(&mesh.server).await;
    bare.until_no_message(subject::RETRY, "fl.retry.tick.yearly")
        .await;
    match mesh.broker.pending_firing(&name()).await.expect("answered") {
        Pending::Waits(firing) => assert_eq!(firing.at_ms, next.0),
        other => panic!("{other:?}"),
    }
}

/// Publications to normal so far.
async fn published(mesh: &Mesh) -> u64 {
    let bare = Bare::of(&mesh.server).await;
    bare.stream("FL_NORMAL").await.last_sequence
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_added_shown_held_back_and_removed() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    let (_, next) = new_years(1);
    let first = post(&door, "/v1/schedules", &yearly("once")).await;
    let shown = json!({
        "name": "yearly", "cron": YEARLY, "time_zone": "UTC", "missed": "once", "paused": false,
        "next": to_rfc3339(next), "next_task_id": format!("yearly-{}", next.0),
        "tenant": "default", "lane": "normal", "class": "bulk", "model": "m",
    });
    assert_eq!(
        (first.status, first.header("location"), first.json()),
        (201, "/v1/schedules/yearly", shown.clone())
    );
    until_set(&mesh, next).await;
    let again = post(&door, "/v1/schedules", &yearly("once")).await;
    assert_eq!((again.status, again.json()), (200, shown.clone()));
    let other = post(&door, "/v1/schedules", &yearly("all")).await;
    assert_eq!(
        (other.status, &other.json()["code"]),
        (409, &json!("schedule_exists"))
    );
    assert_eq!(
        door.get("/v1/schedules").await.json(),
        json!({"schedules": [shown.clone()]})
    );
    assert_eq!(door.get("/v1/schedules/yearly").await.json(), shown);
    // Another tenant has its own.
    let theirs = door.request("GET", "/v1/schedules").header("Fl-Tenant", "acme");
    assert_eq!(Answered::of(theirs).await.json(), json!({"schedules": []}));
    let theirs = door
        .request("DELETE", "/v1/schedules/yearly")
        .header("Fl-Tenant", "acme");
    assert_eq!(Answered::of(theirs).await.status, 404);
    let paused = post(&door, "/v1/schedules/yearly/pause", "").await.json();
    assert_eq!((&paused["paused"], &paused["next"]), (&json!(true), &Value::Null));
    let pending = || async { mesh.broker.pending_firing(&name()).await.expect("answered") };
    assert_eq!(pending().await, Pending::Missing);
    assert_eq!(post(&door, "/v1/schedules/yearly/resume", "").await.json(), shown);
    assert!(matches!(pending().await, Pending::Waits(_)));
    let gone = Answered::of(door.request("DELETE", "/v1/schedules/yearly")).await;
    assert_eq!(gone.json(), json!({"name": "yearly", "removed": true}));
    assert_eq!(pending().await, Pending::Missing);
    for (method, path) in [("GET", "yearly"), ("DELETE", "yearly"), ("POST", "yearly/pause")] {
        let asked = door.request(method, &format!("/v1/schedules/{path}"));
        assert_eq!(Answered::of(asked).await.json()["code"], "unknown_schedule");
    }
    let refused = post(&door, "/v1/schedules", r#"{"name":"n","cron":"1 2 3","task":{}}"#).await;
    assert_eq!(
        (refused.status, &refused.json()["code"], &refused.json()["field"]),
        (422, &json!("bad_schedule"), &json!("cron"))
    );
    mesh.stop().await;
}

/// Writes so many more, as if somebody whose names begin with `prefix` had added them.
async fn written(mesh: &Mesh, prefix: &str, count: usize) {
    let found = mesh.broker.schedule(&name()).await.expect("answered");
    let like = found.expect("it is there").record;
    let (broker, now) = (&mesh.broker, clock::wall());
    let writes = (0..count).map(|n| Schedule {
        name: TaskId::new(&format!("{prefix}{n}")).expect("a name"),
        ..like.clone()
    });
    let writes = stream::iter(writes).map(async |schedule| broker.put_schedule(&schedule, 0, now).await);
    let written: Result<Vec<_>, _> = writes.buffered(32).try_collect().await;
    written.expect("they are written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_as_many_schedules_as_it_may_and_adds_none_more_and_all_together_neither() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    added(&mesh, &door, "once").await;
    written(&mesh, "more-", 199).await;
    let add = async |tenant: &'static str, name: &str| {
        let body = yearly("once").replace("yearly", name);
        let asked = door.request("POST", "/v1/schedules").header("Fl-Tenant", tenant);
        let answered = Answered::of(asked.body(body)).await;
        (answered.status, answered.json()["detail"].to_string())
    };
    let (status, detail) = add("default", "another").await;
    assert!(
        status == 422 && detail.contains("you have 200"),
        "{status} {detail}"
    );
    let all = door.get("/v1/schedules").await.json();
    assert_eq!(all["schedules"].as_array().map(Vec::len), Some(200));
    // The same again is no other one, and somebody else has as many of its own.
    assert_eq!(add("default", "yearly").await.0, 200);
    assert_eq!(add("acme", "another").await.0, 201);
    written(&mesh, "00000000-", 799).await;
    let (status, detail) = add("acme", "yearly").await;
    assert!(
        status == 422 && detail.contains("there are 1000"),
        "{status} {detail}"
    );
    assert_eq!(add("default", "yearly").await.0, 200);
    let theirs = door.request("GET", "/v1/schedules").header("Fl-Tenant", "acme");
    let theirs = Answered::of(theirs).await.json();
    assert_eq!(theirs["schedules"].as_array().map(Vec::len), Some(1));
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firing_is_one_task_whoever_fires_it() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    mesh.coordinator().await;
    let (past, next) = new_years(1);
    let revision = added(&mesh, &door, "once").await;
    // It comes three times, as after crashes.
    for _ in 0..3 {
        let set = mesh.broker.set_firing(&name(), revision, past[0]).await;
        set.expect("the timer is set");
        until_fired(&mesh, next).await;
    }
    let id = format!("yearly-{}", past[0].0);
    let seen = door.get(&format!("/v1/tasks/{id}")).await.json();
    assert_eq!(
        (&seen["state"], &seen["class"]),
        (&json!("queued"), &json!("bulk"))
    );
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let record = mesh.result(&id).await.record;
    assert_eq!((record.state, record.hop), (State::Completed, 0));
    assert_eq!(published(&mesh).await, 1);
    mesh.stop().await;
}

/// Waits until the firing that was set has been dealt with.
async fn until_fired(mesh: &Mesh, next: EpochMs) {
    let bare = Bare::of(&mesh.server).await;
    let dealt_with = async {
        loop {
            match mesh.broker.pending_firing(&name()).await.expect("answered") {
                Pending::Waits(firing) if firing.at_ms == next.0 => return,
                // What happens to it is heard.
                _ => drop(bare.stream("FL_RETRY").await),
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, dealt_with).await;
    waited.expect("the next one is set");
}

#[tokio::test(flavor = "multi_thread")]
async fn firings_that_nobody_was_there_for_are_made_up_for_as_the_schedule_says() {
    for (missed, runs) in [("skip", 0), ("once", 1), ("all", 3)] {
        let mesh = Mesh::start(POLICY).await;
        let door = Door::of(&mesh).await;
        let (past, next) = new_years(3);
        mesh.coordinator.stop(PATIENCE).await;
        let revision = added(&mesh, &door, missed).await;
        let set = mesh.broker.set_firing(&name(), revision, past[0]).await;
        set.expect("the timer is set");
        mesh.coordinator().await;
        until_fired(&mesh, next).await;
        assert_eq!(published(&mesh).await, runs, "{missed}");
        for at in &past[3 - runs as usize..] {
            let id = format!("/v1/tasks/yearly-{}", at.0);
            assert_eq!(door.get(&id).await.json()["state"], "queued", "{missed}");
        }
        mesh.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firing_of_a_schedule_that_is_not_so_any_more_is_dropped() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    let (past, next) = new_years(1);
    let first = added(&mesh, &door, "once").await;
    assert_eq!(post(&door, "/v1/schedules/yearly/pause", "").await.status, 200);
    assert_eq!(post(&door, "/v1/schedules/yearly/resume", "").await.status, 200);
    let bare = Bare::of(&mesh.server).await;
    let fired = |revision: u64, at: EpochMs| {
        let body = format!(r#"{{"revision":{revision},"at_ms":{}}}"#, at.0);
        let bare = &bare;
        async move {
            let stored = bare.publish("fl.retry.tick.yearly", &[], body).await;
            stored.expect("as the server would");
            bare.until_no_message(subject::RETRY, "fl.retry.tick.yearly")
                .await;
        }
    };
    fired(first, past[0]).await;
    until_set(&mesh, next).await;
    let second = mesh.broker.schedule(&name()).await.expect("answered");
    let second = second.expect("it is there").sequence;
    assert_eq!(
        door.request("DELETE", "/v1/schedules/yearly")
            .send()
            .await
            .expect("answered")
            .status(),
        200
    );
    fired(second, past[0]).await;
    assert_eq!(published(&mesh).await, 0);
    let pending = mesh.broker.pending_firing(&name()).await.expect("answered");
    assert_eq!(pending, Pending::Missing);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_sets_the_timer_of_a_schedule_that_has_none() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    let (_, next) = new_years(1);
    added(&mesh, &door, "once").await;
    let bare = Bare::of(&mesh.server).await;
    let retry = bare.jetstream.get_stream("FL_RETRY").await.expect("it exists");
    retry
        .purge()
        .filter("fl.retry.cron.yearly")
        .await
        .expect("purged");
    until_fired(&mesh, next).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_full_gets_its_firing_later() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let (past, next) = new_years(1);
    mesh.publish(&mesh.task("first", fairlane::task::Lane::Normal, "bulk"), "1")
        .await
        .expect("accepted");
    bare.limit("FL_NORMAL", 1).await;
    let revision = added(&mesh, &door, "once").await;
    let set = mesh.broker.set_firing(&name(), revision, past[0]).await;
    set.expect("the timer is set");
    until_fired(&mesh, next).await;
    let id = format!("yearly-{}", past[0].0);
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    assert_eq!(mesh.result(&id).await.record.state, State::Completed);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_keeps_schedules() {
    let mesh = Mesh::start(POLICY).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), POLICY).expect("it can be written");
    let policy = file.path().to_str().expect("UTF-8");
    let run = |arguments: &[&str]| {
        let own: Vec<String> = [&["schedule"], arguments]
            .concat()
            .iter()
            .map(ToString::to_string)
            .collect();
        let server = &mesh.server;
        async move {
            let own: Vec<&str> = own.iter().map(String::as_str).collect();
            cli::run_at(server, &own).await
        }
    };
    let add = [
        "add",
        "berlin",
        "--cron",
        "30 3 * * 1-5",
        "--time-zone",
        "Europe/Berlin",
        "--missed",
        "all",
        "--model",
        "m",
        "--input",
        "hello",
        "--policy",
        policy,
    ];
    let (code, added) = run(&add).await;
    assert_eq!(
        (code, &added["time_zone"]),
        (Some(0), &json!("Europe/Berlin")),
        "{added}"
    );
    assert_eq!(run(&add).await, (Some(0), added.clone()), "the same again");
    let mut other = add;
    other[3] = "0 4 * * *";
    assert_eq!(run(&other).await.0, Some(3));
    other[3] = "0 25 * * *";
    assert_eq!(run(&other).await.0, Some(3));
    assert_eq!(run(&["ls"]).await.1, json!({"schedules": [added]}));
    assert_eq!(run(&["pause", "berlin"]).await.1["paused"], json!(true));
    assert_eq!(run(&["resume", "berlin"]).await.1["paused"], json!(false));
    let (code, books) = cli::run_at(&mesh.server, &["audit"]).await;
    assert_eq!(
        (code, &books["accepted"]),
        (Some(0), &json!(0)),
        "a schedule is no task"
    );
    let (_, listed) = cli::run_at(&mesh.server, &["task", "ls"]).await;
    assert_eq!(listed["tasks"], json!([]));
    assert_eq!(run(&["rm", "berlin"]).await.0, Some(0));
    assert_eq!(run(&["rm", "berlin"]).await.0, Some(4));
    mesh.stop().await;
}
