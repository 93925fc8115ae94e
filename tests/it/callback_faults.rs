//! Callbacks when something goes wrong on the way: crashes between two writes, receivers that are away,
//! records and messages that nobody can read.

use std::sync::Arc;

use fairlane::executor::simulate::Simulate;
use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::callbacks::{POLICY, anywhere, empty, mesh, settled, submit, task};
use crate::support::{Bare, Mesh, PASSES, PATIENCE, Probe, Receiver, Role, publish_raw};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_between_record_and_callback_leaves_it_to_the_next() {
    let mesh = mesh(anywhere()).await;
    let mut receiver = Receiver::answering(&[200]).await;
    let (probe, mut starts) = Probe::gated();
    // Its record stands, and it was delivered before: as after such a crash.
    let task = task(&mesh, "t", &receiver.url);
    let away = Role::worker(mesh.server.url(), "away", 1, POLICY).await;
    mesh.publish(&task, r#"{"service_ms":600000}"#)
        .await
        .expect("accepted");
    let bare = Bare::of(&mesh.server).await;
    delivered_once(&bare).await;
    let record = [
        ("Fl-Version", "1"),
        ("Fl-State", "completed"),
        ("Fl-Class", "pay"),
        ("Fl-Hop", "0"),
    ];
    let body = r#"{"task_id":"t","state":"completed","output":7,"usage":{},"error":null,"worker":"away","attempt":0,"queued_ms":1,"exec_ms":1}"#;
    bare.publish("fl.result.t", &record, body).await.expect("stored");
    away.signal(nix::sys::signal::Signal::SIGKILL);
    mesh.worker("w", 1, probe.clone()).await;
    let body: Value = serde_json::from_str(&receiver.next().await.body).expect("JSON");
    assert_eq!((&body["output"], &body["worker"]), (&json!(7), &json!("away")));
    settled(&bare).await;
    mesh.submit("next", "pay", PASSES).await.expect("accepted");
    mesh.result("next").await;
    assert_eq!(
        starts.recv().await.map(|(_, id)| id).as_deref(),
        Some("next"),
        "it ran again"
    );
    mesh.stop().await;
}

/// Waits until a worker holds the one task.
async fn delivered_once(bare: &Bare) {
    let held = async {
        while bare.pending("FL_CORE", "pay=m=0").await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, held)
        .await
        .expect("it is delivered");
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_after_its_record_leaves_the_callback_to_its_redelivery() {
    let mesh = mesh(anywhere()).await;
    let mut receiver = Receiver::answering(&[200]).await;
    let file = tempfile::NamedTempFile::new().expect("there is a place for temporary files");
    std::fs::write(file.path(), POLICY).expect("it can be written");
    let policy = file.path().to_str().expect("a path in UTF-8");
    let arguments = [
        "worker",
        "--nats",
        mesh.server.url(),
        "--worker-id",
        "away",
        "--policy",
        policy,
    ];
    let place = [("FAIRLANE_FAILPOINT", "callback.before_publish")];
    let dying = Role::start_with(&arguments, &place);
    submit(&mesh, "t", &receiver.url, "7").await;
    let (status, log) = dying.ended().await;
    assert!(
        !status.success() && log.contains("because a test asked"),
        "{status}\n{log}"
    );
    let record = mesh.result("t").await.record;
    assert!(receiver.has_nothing(), "the dead worker asked for it after all");
    let (probe, mut starts) = Probe::gated();
    mesh.worker("next", 1, probe).await;
    let delivered = receiver.next().await;
    assert_eq!(delivered.header("webhook-id"), "callback:t:0");
    assert_eq!(delivered.body.as_bytes(), fairlane::wire::result_body(&record));
    settled(&Bare::of(&mesh.server).await).await;
    assert!(starts.try_recv().is_err(), "it ran again");
    mesh.stop().await;
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_dies_after_a_delivery_leads_to_a_second_one_of_the_same_event() {
    let mut mesh = Mesh::start(POLICY).await;
    mesh.coordinator.stop(PATIENCE).await;
    let mut receiver = Receiver::answering(&[200]).await;
    let file = tempfile::NamedTempFile::new().expect("there is a place for temporary files");
    std::fs::write(file.path(), POLICY).expect("it can be written");
    let policy = file.path().to_str().expect("a path in UTF-8");
    let arguments = [
        "dev",
        "--nats",
        mesh.server.url(),
        "--policy",
        policy,
        "--callback-private",
    ];
    let place = [("FAIRLANE_FAILPOINT", "callback.after_post")];
    let dying = Role::start_with(&arguments, &place);
    submit(&mesh, "t", &receiver.url, "1").await;
    let first = receiver.next().await;
    let (status, log) = dying.ended().await;
    assert!(
        !status.success() && log.contains("because a test asked"),
        "{status}\n{log}"
    );
    mesh.coordinator = mesh.coordinator_with(anywhere().into()).await;
    let second = receiver.next().await;
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    settled(&Bare::of(&mesh.server).await).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_away_gets_the_same_event_when_it_is_back() {
    let mesh = mesh(anywhere()).await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    let bare = Bare::of(&mesh.server).await;
    let mut waiting = bare.hear("fl.callback.at.t").await;
    // Bound, so that nobody else gets the port, and not listening: connections are refused.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("a port");
    let port = socket.local_addr().expect("it is bound").port();
    // By name: the port is the URL's, whatever the name is resolved to.
    submit(&mesh, "t", &format!("http://localhost:{port}/"), "7").await;
    let scheduled = waiting.next().await.headers.expect("it has headers");
    assert_eq!(scheduled.get("Fl-Callback-Try").map(|v| v.as_str()), Some("1"));
    let mut receiver = Receiver::on(socket.listen(64).expect("it listens"), &[200]);
    let delivered = receiver.next().await;
    assert_eq!(delivered.header("webhook-id"), "callback:t:0");
    settled(&bare).await;
    assert!(receiver.has_nothing(), "it was delivered twice");
    assert_eq!(mesh.result("t").await.record.output, json!(7));
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_ends_its_callback_and_no_other() {
    let mesh = mesh(anywhere()).await;
    let mut receiver = Receiver::answering(&[200]).await;
    let bare = Bare::of(&mesh.server).await;
    let wanted = [
        ("Fl-Version", "1"),
        ("Fl-Callback", receiver.url.as_str()),
        ("Fl-Hop", "0"),
    ];
    for (id, state, body) in [
        ("torn", "completed", r#"{"task_id":"torn","#),
        ("later", "composted", r#"{"task_id":"later","output":1}"#),
    ] {
        let record = [("Fl-State", state), ("Fl-Hop", "0")];
        bare.publish(&format!("fl.result.{id}"), &record, body)
            .await
            .expect("stored");
        bare.publish(&format!("fl.callback.due.{id}"), &wanted, "")
            .await
            .expect("stored");
    }
    settled(&bare).await;
    assert!(receiver.has_nothing(), "something was delivered");
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    submit(&mesh, "t", &receiver.url, "1").await;
    assert_eq!(receiver.next().await.header("webhook-id"), "callback:t:0");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_whose_headers_end_connections_is_dropped_and_the_others_are_delivered() {
    let mut mesh = mesh(anywhere()).await;
    mesh.coordinator.stop(PATIENCE).await;
    let mut receiver = Receiver::answering(&[200]).await;
    let headers = b"NATS/1.0\r\nFl-Callback: http://J\xf6rg/\r\n\r\n";
    publish_raw(&mesh.server, b"fl.callback.due.bad", headers, b"");
    come_back(&mesh).await;
    mesh.coordinator = mesh.coordinator_with(anywhere().into()).await;
    settled(&Bare::of(&mesh.server).await).await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    submit(&mesh, "t", &receiver.url, "1").await;
    assert_eq!(receiver.next().await.header("webhook-id"), "callback:t:0");
    mesh.stop().await;
}

/// Has the one message of the stream delivered until it has come back once, and at once: a coordinator
/// has half a minute for each.
async fn come_back(mesh: &Mesh) {
    let bare = Bare::of(&mesh.server).await;
    bare.ack_wait("FL_CALLBACKS", "callbacks", std::time::Duration::from_millis(1))
        .await;
    let again = async {
        while bare.redelivered("FL_CALLBACKS", "callbacks").await == 0 {
            // Whoever it is delivered to loses its connection.
            let lost = Bare::of(&mesh.server).await;
            lost.ask("FL_CALLBACKS", "callbacks").await;
        }
    };
    tokio::time::timeout(PATIENCE, again)
        .await
        .expect("it comes back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_gives_way_to_a_record_whose_state_nobody_knows() {
    let mesh = mesh(anywhere()).await;
    let bare = Bare::of(&mesh.server).await;
    let record = [("Fl-State", "composted"), ("Fl-Hop", "0")];
    bare.publish("fl.result.t", &record, r#"{"task_id":"t"}"#)
        .await
        .expect("stored");
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    let doomed = r#"{"fail_rate":1,"fail_kind":"permanent"}"#;
    mesh.submit("t", "pay", doomed).await.expect("accepted");
    mesh.submit("after", "pay", doomed).await.expect("accepted");
    mesh.dead_letter("after").await;
    empty(&bare, "FL_RETRY").await;
    assert_eq!(
        bare.stream("FL_DEAD").await.messages,
        1,
        "a void verdict left a dead letter"
    );
    mesh.stop().await;
}
