//! Queues that are held back: live, by whoever makes them later, and over restarts.

use std::sync::Arc;

use fairlane::clock;
use fairlane::dev::Server;
use fairlane::executor::simulate::Simulate;
use fairlane::policy::Pause;
use fairlane::task::{ClassName, Lane, State};

use crate::support::cli;
use crate::support::{Bare, Mesh, PATIENCE, Probe, Role, TWO_CLASSES, keeping};

async fn queue(mesh: &Mesh, arguments: &[&str]) -> (Option<i32>, serde_json::Value) {
    cli::run_at(&mesh.server, &[&["queue"], arguments].concat()).await
}

fn class(name: &str) -> Pause {
    Pause {
        lane: None,
        class: Some(ClassName::new(name).expect("a class")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_class_waits_while_others_go_on_and_goes_on_when_it_is_resumed() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.worker("w", 4, Arc::new(Simulate)).await;
    mesh.submit("before", "pay", "1").await.unwrap();
    mesh.result("before").await;
    assert_eq!(queue(&mesh, &["pause", "--class", "pay"]).await.1["paused"], 2);
    mesh.submit_many("pay", 20, "1").await;
    mesh.submit_many("bulk", 500, "1").await;
    for n in 0..500 {
        assert_eq!(
            mesh.result(&format!("bulk-{n}")).await.record.state,
            State::Completed
        );
    }
    let listed = queue(&mesh, &["ls"]).await.1;
    let paused: Vec<_> = listed["queues"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|q| q["paused"] == true)
        .map(|q| format!("{} {} {} waiting", q["lane"], q["class"], q["waiting"]))
        .collect();
    assert_eq!(
        paused,
        [r#""core" "pay" 20 waiting"#, r#""normal" "pay" 0 waiting"#]
    );

    assert_eq!(
        queue(&mesh, &["resume", "--class", "pay"]).await.1["still_paused"],
        0
    );
    for n in 0..20 {
        assert_eq!(
            mesh.result(&format!("pay-{n}")).await.record.state,
            State::Completed
        );
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_made_or_changed_later_obeys_the_pause() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.broker.pause(&class("pay"), clock::wall()).await.unwrap();
    let bare = Bare::of(&mesh.server).await;
    let mut made = bare.hear("$JS.EVENT.ADVISORY.CONSUMER.CREATED.FL_CORE.>").await;
    let body = r#"{"model":"m","input":1}"#;
    let stored = bare.jetstream.publish("fl.task.core.pay.m.5", body.into());
    stored.await.unwrap().await.unwrap();
    made.next().await;
    // The new one takes a part of the lane's limit, so the others were updated, too.
    let queues = mesh.broker.queues(Lane::Core).await.unwrap();
    let of_pay: Vec<bool> = queues
        .iter()
        .filter(|q| q.route.class.as_str() == "pay")
        .map(|q| q.is_paused)
        .collect();
    assert_eq!(of_pay, [true, true]);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_outlives_the_server_and_every_coordinator() {
    let store = tempfile::tempdir().unwrap();
    let server = Server::start(keeping(store.path(), None)).await.unwrap();
    let mut mesh = Mesh::on(server, TWO_CLASSES).await;
    mesh.broker.pause(&class("pay"), clock::wall()).await.unwrap();
    mesh.submit("held", "pay", "1").await.unwrap();
    mesh.coordinator.stop(PATIENCE).await;
    let (_, port) = mesh.server.url().rsplit_once(':').unwrap();
    let port = port.parse().unwrap();
    mesh.server.stop().await;
    mesh.server = Server::start(keeping(store.path(), Some(port))).await.unwrap();
    assert!(mesh.broker.connected_within(PATIENCE).await);
    mesh.coordinator().await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    mesh.submit("free", "bulk", "1").await.unwrap();
    assert_eq!(mesh.result("free").await.record.state, State::Completed);
    let queues = mesh.broker.queues(Lane::Core).await.unwrap();
    let held: Vec<_> = queues.iter().filter(|q| q.is_paused).map(|q| q.waiting).collect();
    assert_eq!(held, [1]);

    assert!(
        mesh.broker
            .resume(&class("pay"), fairlane::clock::wall())
            .await
            .unwrap()
    );
    assert_eq!(mesh.result("held").await.record.state, State::Completed);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_when_nothing_runs_and_says_so_where_something_does() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let (probe, mut starts) = Probe::gated();
    mesh.worker("w", 2, probe.clone()).await;
    mesh.submit("runs", "pay", "1").await.unwrap();
    starts.recv().await.unwrap();
    let (code, told) = queue(&mesh, &["drain", "--lane", "core", "--timeout", "0"]).await;
    assert_eq!((code, &told["out"]), (Some(1), &serde_json::json!(1)));
    mesh.submit("later", "bulk", "1").await.unwrap();
    probe.release(1);
    mesh.result("runs").await;
    let (code, told) = queue(&mesh, &["drain", "--lane", "core"]).await;
    assert_eq!((code, &told["drained"]), (Some(0), &serde_json::json!(true)));
    // A pause is taken back as it was given.
    assert_eq!(queue(&mesh, &["resume", "--all"]).await.0, Some(4));
    assert_eq!(queue(&mesh, &["resume", "--lane", "core"]).await.0, Some(0));
    probe.release(1);
    mesh.result("later").await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slip_in_the_name_of_a_queue_is_told_and_nothing_named_is_a_mistake() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    assert_eq!(queue(&mesh, &["pause", "--class", "pya"]).await.0, Some(4));
    assert_eq!(queue(&mesh, &["pause"]).await.0, Some(2));
    // A pause whose queues are gone can be taken back.
    mesh.broker.pause(&class("gone"), clock::wall()).await.unwrap();
    assert_eq!(queue(&mesh, &["resume", "--class", "gone"]).await.0, Some(0));
    assert_eq!(mesh.broker.pauses().await.unwrap(), []);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_another_tool_is_left_to_that_tool() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let bare = Bare::of(&mesh.server).await;
    let lane = bare.jetstream.get_stream("FL_CORE").await.unwrap();
    let until = time::OffsetDateTime::from_unix_timestamp(4_000_000_000).unwrap();
    lane.pause_consumer("pay=m=0", until).await.unwrap();
    assert_eq!(mesh.broker.obey_pauses().await.unwrap(), 0);
    let is_paused = || async {
        let queues = mesh.broker.queues(Lane::Core).await.unwrap();
        queues.iter().any(|q| q.is_paused)
    };
    assert!(is_paused().await);
    // Who pauses here as well has the last word.
    mesh.broker.pause(&class("pay"), clock::wall()).await.unwrap();
    mesh.broker
        .resume(&class("pay"), fairlane::clock::wall())
        .await
        .unwrap();
    assert!(!is_paused().await);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_worker_died_counts_as_out_while_its_queue_is_paused() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let dies = Role::worker(mesh.server.url(), "dies", 1, TWO_CLASSES).await;
    let bare = Bare::of(&mesh.server).await;
    mesh.submit("left", "pay", r#"{"service_ms":3600000}"#)
        .await
        .unwrap();
    bare.until_delivered("FL_CORE", "pay=m=0").await;
    mesh.broker.pause(&class("pay"), clock::wall()).await.unwrap();
    dies.signal(nix::sys::signal::Signal::SIGKILL);
    dies.ended().await;
    // Longer than the ack_wait of a second.
    let (code, told) = queue(&mesh, &["drain", "--class", "pay", "--timeout", "3"]).await;
    assert_eq!((code, &told["out"]), (Some(1), &serde_json::json!(1)));
    mesh.stop().await;
}
