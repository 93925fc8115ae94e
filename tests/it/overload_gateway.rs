//! What a gateway does on each level, and what becomes of what it put aside.

use std::sync::Arc;

use fairlane::broker::publish::Original;
use fairlane::broker::subject;
use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::policy::{Cause, Level, Outlook, Standing};
use fairlane::task::{Lane, State};
use fairlane::wire::{OverloadNote, to_rfc3339};
use serde_json::{Value, json};

#[cfg(feature = "failpoints")]
use crate::support::Role;
use crate::support::cli;
use crate::support::{Answered, Bare, Door, Mesh, PATIENCE};

const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 3000, max_priority: 1 }
  normal: { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 3000 }
classes:
  pay:  { priority: 1, share: 60 }
  bulk: { priority: 5, share: 40 }
default_class: bulk
models:
  m: { executor: simulate }
overload: { hold_s: 1, storage_bytes: 10000 }
";

/// A backlog of ten seconds, on `level`.
fn note(level: Level) -> OverloadNote {
    let now = clock::wall();
    let outlook = Outlook {
        backlog: 100,
        drain_per_s: Some(10.0),
    };
    OverloadNote {
        standing: Standing {
            level,
            cause: Cause::Backlog,
            since: now,
        },
        core: outlook,
        normal: outlook,
        archived: 0,
        is_retry_full: None,
        at: now,
    }
}

/// A mesh without a coordinator, on which `level` is said to hold.
async fn on(level: Level) -> (Mesh, Door) {
    under(POLICY, level).await
}

async fn under(policy: &str, level: Level) -> (Mesh, Door) {
    let mesh = Mesh::start(policy).await;
    mesh.coordinator.stop(PATIENCE).await;
    say(&mesh, level).await;
    let door = Door::of(&mesh).await;
    until_heard(&door).await;
    (mesh, door)
}

async fn say(mesh: &Mesh, level: Level) {
    let revision = mesh.broker.overload().await.expect("the level is read").revision;
    let written = mesh.broker.write_overload(&note(level), revision).await;
    assert!(
        written.expect("the level is written").is_some(),
        "nobody else writes"
    );
}

/// Waits until the gateway, which was started after the record was written, has heard of it.
async fn until_heard(door: &Door) {
    let is_turned_away = |told: &Answered| told.status == 429 || told.json()["state"] == "archived";
    let heard = async {
        for n in 0.. {
            if is_turned_away(&soon(door, &format!("probe-{n}")).await) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard)
        .await
        .expect("the gateway hears");
}

async fn post(door: &Door, id: &str, class: &str) -> Answered {
    let body = json!({"task_id": id, "class": class, "model": "m", "input": 1});
    door.post(body.to_string()).await
}

/// A task of the lower class that its deadline puts on core.
async fn soon(door: &Door, id: &str) -> Answered {
    let deadline = to_rfc3339(clock::wall().plus_ms(3_600_000));
    let body = json!({"task_id": id, "class": "bulk", "model": "m", "input": 1, "deadline": deadline});
    door.post(body.to_string()).await
}

/// A task that is to start in an hour.
async fn later(door: &Door, id: &str) -> Answered {
    let run_at = to_rfc3339(clock::wall().plus_ms(3_600_000));
    let body = json!({"task_id": id, "class": "bulk", "model": "m", "input": 1, "run_at": run_at});
    door.post(body.to_string()).await
}

async fn state(door: &Door, id: &str) -> Value {
    door.get(&format!("/v1/tasks/{id}")).await.json()["state"].clone()
}

fn told(answer: &Answered) -> (u16, Value, Value) {
    let body = answer.json();
    let what = if answer.status == 202 { "state" } else { "code" };
    (answer.status, body[what].clone(), body["level"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_level_1_core_takes_its_most_urgent_class_alone() {
    let (mesh, door) = on(Level::RejectLower).await;
    assert_eq!(
        told(&post(&door, "pay", "pay").await),
        (202, json!("queued"), Value::Null)
    );
    assert_eq!(
        told(&post(&door, "bulk", "bulk").await),
        (202, json!("queued"), Value::Null)
    );
    let refused = soon(&door, "soon").await;
    assert_eq!(told(&refused), (429, json!("overload_lower_priority"), json!(1)));
    assert_eq!(refused.json()["reason"], "backlog");
    // 100 tasks at 10 a second, a fifth more or less.
    let after: u32 = refused.header("retry-after").parse().unwrap();
    assert!((8..=12).contains(&after), "{after}");
    assert_eq!(
        door.get("/v1/tasks/soon").await.status,
        404,
        "no trace of it is left"
    );
    let (_, listed) = cli::run_at(&mesh.server, &["queue", "ls"]).await;
    assert_eq!(listed["overload"]["level"], 1);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_level_2_normal_tasks_are_put_aside_and_go_on_when_there_is_room() {
    let (mesh, door) = on(Level::Archive).await;
    for id in ["first", "second", "off"] {
        assert_eq!(
            told(&post(&door, id, "bulk").await),
            (202, json!("archived"), Value::Null)
        );
        assert_eq!(state(&door, id).await, "archived");
    }
    let again = post(&door, "first", "bulk").await;
    assert_eq!(
        (told(&again).1, again.header("idempotency-replayed")),
        (json!("archived"), "true")
    );
    assert_eq!(told(&post(&door, "pay", "pay").await).1, "queued");
    let bare = Bare::of(&mesh.server).await;
    assert_eq!(bare.stream(subject::ARCHIVE).await.messages, 3);
    assert_eq!(door.delete("off").await.json()["state"], "cancelled");
    assert_eq!(bare.stream(subject::ARCHIVE).await.messages, 2);

    mesh.coordinator().await;
    mesh.worker("w", 4, Arc::new(Simulate)).await;
    for id in ["first", "second"] {
        let record = mesh.result(id).await.record;
        assert_eq!((record.state, record.hop), (State::Completed, 1), "{id}");
    }
    assert_eq!(mesh.result("off").await.record.state, State::Cancelled);
    for id in ["first", "second"] {
        // It is on its lane before it leaves the archive.
        bare.until_no_message(subject::ARCHIVE, &format!("fl.archive.bulk.{id}"))
            .await;
    }
    let events = door.get("/v1/tasks/first").await.json()["timeline"].clone();
    let kinds: Vec<&Value> = events.as_array().unwrap().iter().map(|e| &e["event"]).collect();
    assert_eq!(kinds, ["archive", "replay"]);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_deadline_passes_in_the_archive_is_expired() {
    let asides = POLICY.replace("max_priority: 1 }", "max_priority: 1, on_overload: archive }");
    let (mesh, door) = under(&asides, Level::Archive).await;
    let deadline = clock::wall().plus_ms(300);
    let body = json!({"task_id": "late", "class": "bulk", "model": "m", "input": 1, "deadline": to_rfc3339(deadline)});
    assert_eq!(door.post(body.to_string()).await.json()["state"], "archived");
    // Nothing but time is waited for.
    let passed = clock::moment(deadline, clock::monotonic(), clock::wall());
    tokio::time::sleep_until(clock::instant(passed)).await;
    mesh.coordinator().await;
    let record = mesh.result("late").await.record;
    assert_eq!(record.state, State::Expired);
    let bare = Bare::of(&mesh.server).await;
    bare.until_no_message(subject::ARCHIVE, "fl.archive.bulk.late")
        .await;
    mesh.stop().await;
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_dies_while_it_puts_a_task_back_leaves_one_task() {
    let (mesh, door) = on(Level::Archive).await;
    assert_eq!(told(&post(&door, "t", "bulk").await).1, "archived");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), POLICY).unwrap();
    let policy = file.path().to_str().unwrap();
    let arguments = ["coordinator", "--nats", mesh.server.url(), "--policy", policy];
    let doomed = Role::start_with(&arguments, &[("FAIRLANE_FAILPOINT", "replay.after_publish")]);
    let (status, log) = doomed.ended().await;
    assert!(
        !status.success() && log.contains("replay.after_publish"),
        "{status}\n{log}"
    );
    let bare = Bare::of(&mesh.server).await;
    let both = (
        bare.stream(subject::ARCHIVE).await.messages,
        bare.stream("FL_NORMAL").await.messages,
    );
    assert_eq!(both, (1, 1), "on its lane, and still aside");

    mesh.coordinator().await;
    bare.until_no_message(subject::ARCHIVE, "fl.archive.bulk.t").await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    assert_eq!(mesh.result("t").await.record.state, State::Completed);
    bare.until_empty("FL_NORMAL").await;
    assert_eq!(bare.stream("FL_NORMAL").await.last_sequence, 1, "published once");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_level_3_normal_takes_nothing_and_what_was_taken_before_is_answered_as_then() {
    let (mesh, door) = on(Level::RejectLower).await;
    assert_eq!(told(&post(&door, "before", "bulk").await).1, "queued");
    say(&mesh, Level::CoreOnly).await;
    let door = Door::of(&mesh).await;
    until_heard(&door).await;
    let refused = post(&door, "after", "bulk").await;
    assert_eq!(told(&refused), (503, json!("overload_core_only"), json!(3)));
    assert_eq!(told(&post(&door, "before", "bulk").await).1, "queued");
    assert_eq!(told(&post(&door, "pay", "pay").await).1, "queued");
    let asked = mesh.task("nats", Lane::Normal, "bulk");
    let body =
        json!({"task_id": asked.id.to_string(), "class": "bulk", "model": "m", "input": 1}).to_string();
    let bare = Bare::of(&mesh.server).await;
    let answer = bare.client.request("fl.submit", body.into()).await.unwrap();
    let headers = answer.headers.expect("an error has headers");
    let header = |name: &str| headers.get(name).map(ToString::to_string);
    assert_eq!(header("Nats-Service-Error-Code").as_deref(), Some("503"));
    assert_eq!(header("Fl-Error-Code").as_deref(), Some("overload_core_only"));
    assert_eq!(header("Fl-Error-Reason").as_deref(), Some("backlog"));
    assert!(header("Retry-After").is_some());
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_full_refuses() {
    let (mesh, door) = on(Level::Archive).await;
    Bare::of(&mesh.server).await.limit(subject::ARCHIVE, 1).await;
    assert_eq!(told(&post(&door, "fits", "bulk").await).1, "archived");
    let refused = post(&door, "more", "bulk").await;
    assert_eq!(told(&refused), (503, json!("overload_archive_full"), json!(2)));
    assert_eq!(
        told(&post(&door, "more", "bulk").await).0,
        503,
        "the same again is refused again"
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_has_passed_is_refused_with_what_would_be_feasible() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    let body = json!({"model": "m", "input": 1, "deadline": to_rfc3339(clock::wall())});
    let refused = door.post(body.to_string()).await;
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (422, Some("infeasible"))
    );
    assert_eq!(
        (&refused.json()["field"], &refused.json()["reason"]),
        (&json!("deadline"), &json!("passed"))
    );
    let from = refused.json()["feasible_from"].as_str().unwrap().to_owned();
    assert!(fairlane::wire::parse_rfc3339(&from).is_ok(), "{from}");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_backlog_leaves_no_time_for_is_refused_where_the_policy_says_so() {
    let expects = POLICY.replace("hold_s: 1", "hold_s: 1, infeasible: refuse_expected");
    let mesh = Mesh::start(&expects).await;
    mesh.coordinator.stop(PATIENCE).await;
    say(&mesh, Level::RejectLower).await;
    let door = Door::of(&mesh).await;
    until_heard(&door).await;
    let ask = |id: &'static str, ms| {
        let deadline = to_rfc3339(clock::wall().plus_ms(ms));
        let body = json!({"task_id": id, "class": "pay", "model": "m", "input": 1, "deadline": deadline});
        door.post(body.to_string())
    };
    // Ten seconds wait, of which half count.
    let refused = ask("near", 2_000).await;
    assert_eq!(
        (refused.status, refused.json()["reason"].as_str()),
        (422, Some("backlog"))
    );
    assert_eq!(ask("far", 20_000).await.status, 202);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_that_take_too_much_of_the_storage_are_level_2_and_a_new_leader_goes_on_from_there() {
    let mesh = Mesh::start(POLICY).await;
    let mut notes = mesh.broker.overload_notes();
    let body = Original::new(vec![b'x'; 3_000].into());
    let later = clock::wall().plus_ms(3_600_000);
    let task = mesh.task("waits", Lane::Normal, "bulk");
    mesh.broker.publish_at(&task, later, &body, &[]).await.unwrap();
    let mut until = async |level: Level| loop {
        let note = tokio::time::timeout(PATIENCE, notes.next()).await;
        if let Some(note) = note
            .expect("the level is told")
            .filter(|n| n.standing.level == level)
        {
            return note.standing;
        }
    };
    let standing = until(Level::Archive).await;
    assert_eq!(standing.cause, Cause::Retries);
    mesh.coordinator.stop(PATIENCE).await;
    mesh.coordinator().await;
    // Told by the new one, which would have begun at 0 if it did not know.
    let went_on = until(Level::Archive).await;
    assert_eq!(went_on, standing);
    mesh.broker.forget_retry(&task.id).await.unwrap();
    until(Level::Calm).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_for_later_are_refused_while_timers_take_too_much_whatever_the_level_was_entered_for() {
    let mesh = Mesh::start(POLICY).await;
    mesh.coordinator.stop(PATIENCE).await;
    let body = Original::new(vec![b'x'; 3_000].into());
    let due = clock::wall().plus_ms(3_600_000);
    let task = mesh.task("waits", Lane::Normal, "bulk");
    mesh.broker.publish_at(&task, due, &body, &[]).await.unwrap();
    say(&mesh, Level::Archive).await;
    let mut notes = mesh.broker.overload_notes();
    mesh.coordinator().await;
    let full = async {
        loop {
            if let Some(note) = notes.next().await
                && note.is_retry_full == Some(true)
            {
                return note.standing;
            }
        }
    };
    let standing = tokio::time::timeout(PATIENCE, full).await.expect("it is told");
    assert_eq!((standing.level, standing.cause), (Level::Archive, Cause::Backlog));
    let door = Door::of(&mesh).await;
    until_heard(&door).await;
    let refused = later(&door, "refused").await;
    assert_eq!(told(&refused), (503, json!("overload_timers_full"), json!(2)));
    assert_eq!(refused.json()["reason"], "retries");
    let after: u32 = refused.header("retry-after").parse().unwrap();
    assert!((24..=36).contains(&after), "{after}");
    assert_eq!(door.get("/v1/tasks/refused").await.status, 404);
    mesh.broker.forget_retry(&task.id).await.unwrap();
    let taken = async {
        for n in 0.. {
            if later(&door, &format!("later-{n}")).await.status == 202 {
                return;
            }
        }
    };
    let taken = tokio::time::timeout(PATIENCE, taken).await;
    taken.expect("tasks are taken again when there is room");
    mesh.stop().await;
}
