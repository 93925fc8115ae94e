//! A lane without room and a server that is away: what was accepted is kept, and the rest is told so.

use std::sync::Arc;

use fairlane::broker::publish::PublishError;
use fairlane::broker::{Broker, ConnectError, subject};
use fairlane::dev::Server;
use fairlane::executor::simulate::Simulate;
use fairlane::task::State;
use nix::sys::signal::Signal;

use crate::support::{Answers, Bare, Mesh, PATIENCE, Role, TWO_CLASSES, keeping, process};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_lane_refuses_new_tasks_and_keeps_what_it_accepted() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    Bare::of(&mesh.server).await.limit("FL_CORE", 2).await;
    for id in ["one", "two"] {
        mesh.submit(id, "pay", "1").await.expect("there is room");
    }
    let refused = mesh.submit("three", "pay", "1").await;
    assert!(matches!(refused, Err(PublishError::Full { .. })), "{refused:?}");

    let mut answers = Answers::on(&mesh.server).await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    for id in ["one", "two"] {
        assert_eq!(mesh.result(id).await.record.state, State::Completed);
    }
    answers.until("+ACK", 2).await;
    mesh.submit("three", "pay", "1")
        .await
        .expect("there is room again");
    assert_eq!(mesh.result("three").await.record.state, State::Completed);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_finds_its_lane_full_comes_again_and_uses_no_attempt() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.coordinator.stop(PATIENCE).await;
    let bare = Bare::of(&mesh.server).await;
    let mut answers = Answers::on(&mesh.server).await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    mesh.submit("again", "pay", r#"{"fail_attempts":1}"#)
        .await
        .unwrap();
    answers.until("+ACK", 1).await;
    bare.limit("FL_CORE", 1).await;
    mesh.submit("filler", "pay", r#"{"service_ms":1500}"#)
        .await
        .unwrap();

    let mut lane = bare.hear("fl.task.core.>").await;
    mesh.coordinator().await;
    let refused = lane.next().await;
    assert_eq!(refused.headers.unwrap().get("Fl-Hop").unwrap().as_str(), "1");
    let record = mesh.result("again").await.record;
    assert_eq!((record.state, record.attempt), (State::Completed, 1));
    assert!(record.hop > 1, "hop {}", record.hop);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_at_the_start_is_told_with_advice() {
    let server = crate::support::server().await;
    let url = server.url().to_owned();
    server.stop().await;
    let told = Broker::connect(std::slice::from_ref(&url), None, "early").await;
    let error = told.expect_err("nobody is there");
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("start nats-server there"), "{error}");

    let (status, log) = Role::start(&["coordinator", "--nats", &url]).ended().await;
    assert_eq!(status.code(), Some(6), "{log}");
    assert!(log.contains("cannot reach NATS"), "{log}");
}

/// 200 tasks, of which some are done when the server goes; a process and a task in this one work on.
async fn a_server_comes_back_after(end: impl AsyncFnOnce(Server)) {
    let store = tempfile::tempdir().expect("there is a place for temporary folders");
    let server = Server::start(keeping(store.path(), None))
        .await
        .expect("it starts");
    let mut mesh = Mesh::on(server, TWO_CLASSES).await;
    let away = Role::worker(mesh.server.url(), "away", 2, TWO_CLASSES).await;
    mesh.worker("here", 2, Arc::new(Simulate)).await;
    mesh.submit_many("pay", 200, r#"{"service_ms":5,"fail_attempts":1}"#)
        .await;
    mesh.result("pay-20").await;

    let (_, port) = mesh.server.url().rsplit_once(':').expect("it has a port");
    let port = port.parse().expect("a number");
    end(mesh.server).await;
    mesh.server = Server::start(keeping(store.path(), Some(port)))
        .await
        .expect("it starts");
    assert!(mesh.broker.connected_within(PATIENCE).await);

    for n in 0..200 {
        let record = mesh.result(&format!("pay-{n}")).await.record;
        assert_eq!((record.state, record.attempt), (State::Completed, 1), "pay-{n}");
    }
    let records = Bare::of(&mesh.server).await.stream(subject::RESULTS).await;
    assert_eq!((records.messages, records.last_sequence), (200, 200));
    away.signal(Signal::SIGTERM);
    let (status, log) = away.ended().await;
    assert!(status.success() && !log.contains("ERROR"), "{status}\n{log}");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_and_comes_back_loses_no_accepted_task() {
    a_server_comes_back_after(Server::stop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_and_comes_back_loses_no_accepted_task() {
    a_server_comes_back_after(async |server: Server| {
        process::send(server.pid(), Signal::SIGKILL);
        server.ended().cancelled().await;
        server.stop().await;
    })
    .await;
}
