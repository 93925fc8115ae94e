//! The level of overload while nobody works.

use std::time::Duration;

use fairlane::policy::{Cause, Level};
use fairlane::task::State;
use fairlane::wire::OverloadNote;
use nix::sys::signal::Signal;

use crate::support::{Bare, Mesh, PATIENCE, Probe, Role};

const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 2000, max_priority: 9 }
  normal: { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 2000 }
classes:
  pay: { priority: 1, share: 60 }
default_class: pay
models:
  m: { executor: simulate }
overload: { hold_s: 1, no_workers: 2 }
";

/// Notes from the one that stands on, until one is so.
async fn until(mesh: &Mesh, what: &str, is_so: impl Fn(&OverloadNote) -> bool) -> OverloadNote {
    let mut notes = mesh.broker.overload_notes();
    let found = async {
        loop {
            if let Some(note) = notes.next().await.filter(|note| is_so(note)) {
                return note;
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| panic!("no note says: {what}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_holds_while_tasks_wait_for_a_worker_that_died_with_one_in_hand() {
    let mesh = Mesh::start(POLICY).await;
    let bare = Bare::of(&mesh.server).await;
    let away = Role::worker(mesh.server.url(), "away", 1, POLICY).await;
    mesh.submit("long", "pay", r#"{"service_ms":60000}"#)
        .await
        .expect("accepted");
    bare.until_delivered("FL_CORE", "pay=m=0").await;
    mesh.submit("next", "pay", "1").await.expect("accepted");
    // It has the only slot: that tasks wait is no sign that nobody works.
    let busy = until(&mesh, "one waits", |note| note.core.backlog == 1).await;
    let later = busy.at.plus_ms(3_000);
    let busy = until(&mesh, "time has passed", |note| note.at >= later).await;
    assert_eq!(busy.standing.level, Level::Calm, "{busy:?}");

    away.signal(Signal::SIGKILL);
    away.ended().await;
    let none = until(&mesh, "level 2", |note| note.standing.level == Level::Archive).await;
    assert_eq!(none.standing.cause, Cause::Workers);
    let (probe, _starts) = Probe::timed(Duration::ZERO);
    mesh.worker("here", 2, probe).await;
    assert_eq!(mesh.result("next").await.record.state, State::Completed);
    until(&mesh, "level 0", |note| note.standing.level == Level::Calm).await;
    mesh.stop().await;
}
