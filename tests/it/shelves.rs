//! What lies aside: dead letters and parked tasks, put back to work or thrown away.

use std::sync::Arc;

use fairlane::broker::replay::Replayed;
use fairlane::broker::shelf::{Kept, Shelf};
use fairlane::broker::subject;
use fairlane::executor::simulate::Simulate;
use fairlane::task::{Lane, ParkReason, State, TaskId};

use crate::support::cli;
use crate::support::{Bare, Mesh, TWO_CLASSES};

/// Reports a task that nobody has run as failed in this way.
async fn report(mesh: &Mesh, id: &str, kind: &str, input: &str) {
    let own = [("Fl-Error-Kind", kind), ("Fl-Error", "disk 7 is full")];
    let task = mesh.task(id, Lane::Normal, "pay");
    Bare::of(&mesh.server).await.report(&task, &own, input).await;
}

async fn dead(mesh: &Mesh, id: &str) -> Kept {
    report(mesh, id, "permanent", "1").await;
    mesh.dead_letter(id).await;
    kept(mesh, Shelf::Dead, id).await.expect("it lies there")
}

async fn kept(mesh: &Mesh, shelf: Shelf, id: &str) -> Option<Kept> {
    let id = TaskId::new(id).expect("a task id");
    mesh.broker.kept(shelf, &id).await.expect("the server answers")
}

async fn dlq(mesh: &Mesh, arguments: &[&str]) -> (Option<i32>, serde_json::Value) {
    cli::run_at(&mesh.server, &[&["dlq"], arguments].concat()).await
}

/// Its record once it has another state than `dead`.
async fn ended_otherwise(mesh: &Mesh, id: &str) -> fairlane::wire::ResultRecord {
    let mut records = Bare::of(&mesh.server)
        .await
        .hear(&format!("fl.result.{id}"))
        .await;
    loop {
        let record = mesh.result(id).await.record;
        if record.state != State::Dead {
            return record;
        }
        records.next().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_dead_letter_has_one_new_record_and_what_is_left_of_its_past_none() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let letter = dead(&mesh, "again").await;
    let replayed = mesh.broker.replay(Shelf::Dead, &letter).await.unwrap();
    assert_eq!(replayed, Replayed::Queued { hop: 1 });
    assert!(kept(&mesh, Shelf::Dead, "again").await.is_none());
    // Whoever replays the same letter at the same time adds nothing.
    mesh.broker.replay(Shelf::Dead, &letter).await.unwrap();
    assert_eq!(
        Bare::of(&mesh.server)
            .await
            .stream("FL_NORMAL")
            .await
            .last_sequence,
        1
    );

    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let record = ended_otherwise(&mesh, "again").await;
    assert_eq!(
        (record.state, record.hop, record.attempt),
        (State::Completed, 1, 0)
    );
    // A worker that was frozen since the first hop knows of no record.
    let mut late = record.clone();
    (late.hop, late.output) = (0, serde_json::json!("late"));
    let refused = mesh.broker.publish_result(&late, 0).await.unwrap();
    assert_eq!(refused, fairlane::broker::publish::Fenced::Refused);
    assert_eq!(mesh.result("again").await.record, record);
    let replayed = mesh.broker.replay(Shelf::Dead, &letter).await.unwrap();
    assert_eq!(replayed, Replayed::Stale);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_full_leaves_the_dead_letter_where_it_is() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let letter = dead(&mesh, "again").await;
    let bare = Bare::of(&mesh.server).await;
    mesh.publish(&mesh.task("first", Lane::Normal, "pay"), "1")
        .await
        .unwrap();
    bare.limit("FL_NORMAL", 1).await;
    let told = mesh
        .broker
        .replay(Shelf::Dead, &letter)
        .await
        .unwrap_err()
        .to_string();
    assert!(told.contains("the stream is full"), "{told}");
    assert!(kept(&mesh, Shelf::Dead, "again").await.is_some());
    mesh.stop().await;
}

const PARKS: &str = "
version: 1
lanes:
  normal: { on_timeout: archive }
classes:
  pay: { priority: 1, share: 1 }
default_class: pay
models:
  m: { executor: simulate }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_task_goes_on_when_it_is_taken_out_and_ends_when_it_is_thrown_away() {
    let mesh = Mesh::start(PARKS).await;
    let bare = Bare::of(&mesh.server).await;
    for id in ["on", "off"] {
        report(&mesh, id, "timeout", "1").await;
        bare.first(subject::ARCHIVE, &format!("fl.archive.pay.{id}"))
            .await;
    }
    let (on, off) = (
        kept(&mesh, Shelf::Archive, "on").await.unwrap(),
        kept(&mesh, Shelf::Archive, "off").await.unwrap(),
    );
    let replayed = mesh.broker.replay(Shelf::Archive, &on).await.unwrap();
    assert_eq!(replayed, Replayed::Queued { hop: 1 });
    mesh.broker.throw_away(Shelf::Archive, &off).await.unwrap();
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    assert_eq!(mesh.result("on").await.record.state, State::Completed);
    let record = mesh.result("off").await.record;
    assert_eq!(record.state, State::Cancelled);
    assert_eq!(record.error.unwrap().message, "discarded from the archive");
    assert_eq!(bare.stream(subject::ARCHIVE).await.messages, 0);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_was_taken_out_and_runs_out_of_time_again_is_dead() {
    let mesh = Mesh::start(&PARKS.replace("archive }", "archive, timeout_ms: 50 }")).await;
    let bare = Bare::of(&mesh.server).await;
    report(&mesh, "slow", "timeout", r#"{"hang_rate":1}"#).await;
    bare.first(subject::ARCHIVE, "fl.archive.pay.slow").await;
    let parked = kept(&mesh, Shelf::Archive, "slow").await.unwrap();
    mesh.broker.replay(Shelf::Archive, &parked).await.unwrap();
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let (letter, _) = mesh.dead_letter("slow").await;
    assert_eq!(letter.reason, fairlane::task::DeadReason::Timeout);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_count_group_replay_and_discard_from_the_command_line() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    for n in 0..3 {
        dead(&mesh, &format!("d-{n}")).await;
    }
    assert_eq!(dlq(&mesh, &["replay"]).await.0, Some(2));
    assert_eq!(dlq(&mesh, &["discard", "--all"]).await.0, Some(3));
    assert_eq!(dlq(&mesh, &["replay", "nobody"]).await.0, Some(4));

    let counted = dlq(&mesh, &["replay", "--reason", "permanent", "--dry-run"])
        .await
        .1;
    assert_eq!(counted["count"], 3);
    assert_eq!(
        counted["by"][0],
        serde_json::json!({"class": "pay", "reason": "permanent", "count": 3})
    );
    let grouped = dlq(&mesh, &["ls", "--by-error"]).await.1;
    assert_eq!(grouped["groups"][0]["error"], "disk # is full");
    assert_eq!(grouped["groups"][0]["count"], 3);
    let none = dlq(&mesh, &["ls", "--error", "memory"]).await.1;
    assert_eq!(none["letters"], serde_json::json!([]));

    let (code, done) = dlq(&mesh, &["replay", "d-0", "d-1"]).await;
    assert_eq!((code, &done["replayed"]), (Some(0), &serde_json::json!(2)));
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    assert_eq!(ended_otherwise(&mesh, "d-0").await.state, State::Completed);
    let thrown = dlq(&mesh, &["discard", "--all", "--yes"]).await.1;
    assert_eq!(thrown, serde_json::json!({"discarded": 1}));
    assert_eq!(mesh.result("d-2").await.record.state, State::Dead);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_stops_where_its_tasks_fail_again() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    for n in 0..50 {
        report(
            &mesh,
            &format!("d-{n}"),
            "permanent",
            r#"{"fail_rate":1,"fail_kind":"permanent"}"#,
        )
        .await;
    }
    mesh.dead_letter("d-49").await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let (code, told) = dlq(&mesh, &["replay", "--all", "--rate", "10"]).await;
    assert_eq!(code, Some(1));
    assert!(told["failed_again"].as_u64() >= Some(1), "{told}");
    assert!(told["left"].as_u64() >= Some(1), "{told}");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_outlives_its_record_and_is_replayed_without_one() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let letter = dead(&mesh, "old").await;
    let bare = Bare::of(&mesh.server).await;
    let records = bare.jetstream.get_stream(subject::RESULTS).await.unwrap();
    records.purge().filter("fl.result.old").await.unwrap();
    let replayed = mesh.broker.replay(Shelf::Dead, &letter).await.unwrap();
    assert_eq!(replayed, Replayed::Queued { hop: 1 });
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    assert_eq!(mesh.result("old").await.record.state, State::Completed);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_task_that_cannot_be_read_ends_with_a_record_when_it_is_thrown_away() {
    let mesh = Mesh::start(PARKS).await;
    let bare = Bare::of(&mesh.server).await;
    bare.publish("fl.archive.pay.odd", &[], "?").await.unwrap();
    let odd = kept(&mesh, Shelf::Archive, "odd").await.unwrap();
    let replayed = mesh.broker.replay(Shelf::Archive, &odd).await.unwrap();
    assert_eq!(replayed, Replayed::Unreadable);
    let (code, told) = cli::run_at(&mesh.server, &["archive", "discard", "odd", "--yes"]).await;
    assert_eq!((code, &told["discarded"]), (Some(0), &serde_json::json!(1)));
    assert_eq!(mesh.result("odd").await.record.state, State::Cancelled);
    assert_eq!(bare.stream(subject::ARCHIVE).await.messages, 0);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_for_which_the_archive_has_no_room_is_dead() {
    let mesh = Mesh::start(PARKS).await;
    Bare::of(&mesh.server).await.limit(subject::ARCHIVE, 1).await;
    report(&mesh, "first", "timeout", "1").await;
    Bare::of(&mesh.server)
        .await
        .first(subject::ARCHIVE, "fl.archive.pay.first")
        .await;
    report(&mesh, "second", "timeout", "1").await;
    let (letter, _) = mesh.dead_letter("second").await;
    assert_eq!(letter.reason, fairlane::task::DeadReason::ArchiveFull);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_finds_its_lane_full_says_how_far_it_got() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    for id in ["one", "two"] {
        dead(&mesh, id).await;
    }
    let bare = Bare::of(&mesh.server).await;
    bare.limit("FL_NORMAL", 1).await;
    let url = mesh.server.url().to_owned();
    let run = move || cli::run(&["--nats", &url, "dlq", "replay", "--all"]);
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("stopped at task two after 1 were replayed") && said.contains("the stream is full"),
        "{said}"
    );
    assert!(kept(&mesh, Shelf::Dead, "two").await.is_some());
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_dead_letter_is_replayed_as_it_was_changed() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let before = dead(&mesh, "odd").await;
    let input = r#"{"service_ms":1}"#;
    let arguments = ["edit", "odd", "--input", input, "--timeout-ms", "5000"];
    let (code, told) = dlq(&mesh, &arguments).await;
    assert_eq!(code, Some(0), "{told}");
    let after = kept(&mesh, Shelf::Dead, "odd").await.expect("it lies there");
    assert!(after.sequence > before.sequence);
    let letters = Bare::of(&mesh.server).await.stream("FL_DEAD").await.messages;
    assert_eq!(letters, 1, "the old one is gone");
    let (report, reason) = after.read.as_ref().expect("it is readable");
    assert_eq!((*reason, report.error.as_str()), ("permanent", "disk 7 is full"));
    assert_eq!(report.task.facts.timeout_ms, Some(5000));

    mesh.worker("w", 1, Arc::new(Simulate)).await;
    assert_eq!(dlq(&mesh, &["replay", "odd"]).await.0, Some(0));
    let record = ended_otherwise(&mesh, "odd").await;
    let input: serde_json::Value = serde_json::from_str(input).expect("JSON");
    assert_eq!((record.state, record.output), (State::Completed, input));

    assert_eq!(
        dlq(&mesh, &["edit", "odd", "--input", "1"]).await.0,
        Some(4),
        "it is gone"
    );
    assert_eq!(
        dlq(&mesh, &["edit", "odd"]).await.0,
        Some(2),
        "no change is named"
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_overload_has_parked_goes_back_by_itself_and_nothing_else_does() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    for (id, why) in [("slow", ParkReason::Timeout), ("crowded", ParkReason::Overload)] {
        let letter = dead(&mesh, &format!("{id}-model")).await;
        let (report, _) = letter.read.as_ref().expect("it is readable");
        let mut report = report.clone();
        report.task.id = TaskId::new(id).expect("a task id");
        let original = fairlane::broker::publish::Original::new(r#"{"model":"m","input":1}"#.into());
        let parked = mesh.broker.publish_archive(&report, why, &original).await;
        parked.expect("the archive takes it");
    }
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let record = mesh.result("crowded").await.record;
    assert_eq!((record.state, record.hop), (State::Completed, 1));
    // It is on its lane before it leaves the archive.
    let bare = Bare::of(&mesh.server).await;
    bare.until_no_message(subject::ARCHIVE, "fl.archive.pay.crowded")
        .await;
    assert!(
        kept(&mesh, Shelf::Archive, "slow").await.is_some(),
        "by hand alone"
    );
    mesh.stop().await;
}
