//! Which workers there are, and telling one what to do.

use std::sync::Arc;
use std::time::Duration;

use fairlane::broker::Broker;
use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::task::{State, WorkerId};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::cli::{self, Dev};
use crate::support::{Mesh, PATIENCE, Probe, Role, TWO_CLASSES, connect};

/// What docs/operating.md promises: a dead worker is noticed by then.
const NOTICED_WITHIN: Duration = Duration::from_secs(3);
/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(10);

async fn worker(mesh: &Mesh, arguments: &[&str]) -> (Option<i32>, Value) {
    cli::run_at(&mesh.server, &[&["worker"], arguments].concat()).await
}

fn id(name: &str) -> WorkerId {
    WorkerId::new(name).expect("a worker's name")
}

/// Waits until `is` is true of what the registry says of a worker.
async fn until(broker: &Broker, name: &str, is: impl Fn(Option<&str>) -> bool) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    let looked = async {
        loop {
            every.tick().await;
            let found = broker.worker(&id(name)).await.expect("NATS answers");
            let state = found.as_ref().map(|found| match found.is_lost() {
                true => "lost",
                false => found.beat.state.as_str(),
            });
            if is(state) {
                return;
            }
        }
    };
    let seen = tokio::time::timeout(PATIENCE, looked).await;
    seen.unwrap_or_else(|_| panic!("{name} does not come to it within {PATIENCE:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_is_noticed_within_three_seconds_by_whoever_lists() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let dies = Role::worker(mesh.server.url(), "dies", 1, TWO_CLASSES).await;
    mesh.worker("lives", 3, Arc::new(Simulate)).await;
    until(&mesh.broker, "dies", |state| state == Some("taking")).await;
    until(&mesh.broker, "lives", |state| state == Some("taking")).await;
    let other = connect(&mesh.server, "other").await;

    let killed = clock::monotonic();
    dies.signal(Signal::SIGKILL);
    for broker in [&mesh.broker, &other] {
        until(broker, "dies", |state| state == Some("lost")).await;
        let noticed = clock::monotonic().since(killed);
        println!("a dead worker was noticed after {noticed:?}");
        assert!(noticed < NOTICED_WITHIN, "noticed after {noticed:?}");
    }
    let listed = worker(&mesh, &["ls"]).await.1;
    let states: Vec<String> = listed["workers"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|w| format!("{} {} {}", w["worker"], w["state"], w["slots"]))
        .collect();
    assert_eq!(states, [r#""dies" "lost" 1"#, r#""lives" "taking" 3"#]);
    mesh.stop().await;
}

#[test]
fn a_coordinator_counts_the_workers_it_hears() {
    let dev = Dev::start(&["--workers", "2"]);
    let began = clock::monotonic();
    while !dev.metrics().contains("fairlane_workers 2") {
        assert!(clock::monotonic().since(began) < PATIENCE, "{}", dev.metrics());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cordoned_worker_takes_nothing_new_and_finishes_what_runs() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let (first, mut of_first) = Probe::gated();
    mesh.worker("first", 2, first.clone()).await;
    mesh.submit_many("pay", 2, "0").await;
    for _ in 0..2 {
        of_first.recv().await.expect("it starts");
    }
    let (exit, told) = worker(&mesh, &["cordon", "first"]).await;
    assert_eq!(
        (exit, &told["state"], &told["running"]),
        (Some(0), &"cordoned".into(), &2.into())
    );
    until(&mesh.broker, "first", |state| state == Some("cordoned")).await;
    first.release(2);
    for n in 0..2 {
        assert_eq!(
            mesh.result(&format!("pay-{n}")).await.record.state,
            State::Completed
        );
    }

    // Another one takes what comes: the first has its slots free and asks for none of it.
    let (second, mut of_second) = Probe::gated();
    mesh.worker("second", 8, second.clone()).await;
    mesh.submit_many("bulk", 8, "0").await;
    for _ in 0..8 {
        of_second.recv().await.expect("it starts");
    }
    assert!(of_first.try_recv().is_err(), "the cordoned one started a task");

    worker(&mesh, &["cordon", "second"]).await;
    assert_eq!(worker(&mesh, &["uncordon", "first"]).await.1["state"], "taking");
    mesh.submit("again", "pay", "0").await.expect("accepted");
    assert_eq!(of_first.recv().await.expect("it starts").1, "again");
    first.release(1);
    second.release(8);
    mesh.result("again").await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_drain_finishes_what_runs_and_stops() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let mut drains = Role::worker(mesh.server.url(), "drains", 1, TWO_CLASSES).await;
    until(&mesh.broker, "drains", |state| state == Some("taking")).await;
    mesh.submit("long", "pay", r#"{"service_ms":1500}"#)
        .await
        .expect("accepted");
    let taken = async {
        let mut every = tokio::time::interval(LOOK_EVERY);
        while mesh
            .broker
            .worker(&id("drains"))
            .await
            .expect("NATS answers")
            .is_none_or(|w| w.beat.running == 0)
        {
            every.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, taken).await.expect("it runs");
    let (exit, told) = worker(&mesh, &["drain", "drains"]).await;
    assert_eq!((exit, &told["state"]), (Some(0), &"draining".into()), "{told}");
    drains.says("stopping").await;
    assert_eq!(mesh.result("long").await.record.state, State::Completed);
    let (status, log) = drains.ended().await;
    assert!(status.success(), "{log}");
    assert_eq!(
        mesh.broker.worker(&id("drains")).await.expect("NATS answers"),
        None,
        "it has left the registry"
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_worker_is_refused_with_those_that_are_there() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    until(&mesh.broker, "w", |state| state == Some("taking")).await;
    for command in ["get", "cordon", "uncordon", "drain"] {
        let url = mesh.server.url().to_owned();
        let ran =
            tokio::task::spawn_blocking(move || cli::run(&["--nats", &url, "worker", command, "nobody"]));
        let ran = ran.await.expect("it runs");
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(4), "{said}");
        assert!(
            said.contains("the worker nobody is not there; those that are there: w"),
            "{said}"
        );
        assert_eq!(
            worker(&mesh, &[command, "a.b"]).await.0,
            Some(2),
            "no subject can be made of that"
        );
    }
    let (_, got) = worker(&mesh, &["get", "w"]).await;
    assert_eq!(
        (&got["worker"], &got["models"], &got["slots"]),
        (&"w".into(), &serde_json::json!(["m"]), &1.into())
    );
    mesh.stop().await;
}
