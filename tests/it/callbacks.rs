//! Results that are brought to a `callback_url`, to a real receiver over HTTP.

use std::sync::Arc;

use fairlane::broker::publish::Original;
use fairlane::coordinator::{CallbackOptions, SigningKey};
use fairlane::executor::simulate::Simulate;
use fairlane::policy::Reach;
use fairlane::task::{Lane, Task};
use fairlane::wire::result_body;
use serde_json::{Value, json};

use crate::support::{Bare, Door, Mesh, PATIENCE, Receiver};

/// Deliveries are tried again at once, as far as the server's timers allow.
pub(crate) const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 64, timeout_ms: 60000, max_priority: 9, ack_wait_ms: 1000 }
  normal: { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 1000 }
classes:
  pay: { priority: 1, share: 40 }
default_class: pay
models:
  m: { executor: simulate }
retry: { kind: fixed, base_ms: 1, factor: 1, max_ms: 1, jitter: none, max_attempts: 1 }
callbacks: { base_ms: 1, factor: 1, max_ms: 1, max_attempts: 4, timeout_ms: 1000 }
";

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A mesh whose only coordinator delivers in the way of `callbacks`.
pub(crate) async fn mesh(callbacks: CallbackOptions) -> Mesh {
    let mut mesh = Mesh::start(POLICY).await;
    mesh.coordinator.stop(PATIENCE).await;
    mesh.coordinator = mesh.coordinator_with(callbacks.into()).await;
    mesh
}

/// Signed, and to wherever a test has its receiver.
pub(crate) fn anywhere() -> CallbackOptions {
    CallbackOptions {
        key: SigningKey::parse(KEY),
        reach: Reach::Anywhere,
    }
}

/// A task whose record is to be brought to `url`.
pub(crate) fn task(mesh: &Mesh, id: &str, url: &str) -> Task {
    let mut task = mesh.task(id, Lane::Core, "pay");
    task.facts.callback = Some(url.to_owned());
    task
}

/// Publishes such a task.
pub(crate) async fn submit(mesh: &Mesh, id: &str, url: &str, input: &str) {
    mesh.publish(&task(mesh, id, url), input).await.expect("accepted");
}

/// Waits until the stream of callbacks is empty.
pub(crate) async fn settled(bare: &Bare) {
    empty(bare, "FL_CALLBACKS").await;
}

/// Waits until everything in a stream is acked.
pub(crate) async fn empty(bare: &Bare, stream: &str) {
    bare.until_empty(stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_brought_signed_and_whole() {
    let mesh = mesh(anywhere()).await;
    let mut receiver = Receiver::answering(&[204]).await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    submit(&mesh, "t", &format!("{}/result?a=b", receiver.url), r#""hi""#).await;
    let delivered = receiver.next().await;
    assert_eq!(delivered.path, "/result");
    assert_eq!(delivered.header("webhook-id"), "callback:t:0");
    assert_eq!(delivered.header("content-type"), "application/json");
    let at: i64 = delivered.header("webhook-timestamp").parse().expect("a number");
    let key = SigningKey::parse(KEY).expect("a key");
    let signature = key.sign("callback:t:0", at, delivered.body.as_bytes());
    assert_eq!(delivered.header("webhook-signature"), signature);
    let body: Value = serde_json::from_str(&delivered.body).expect("JSON");
    let record = mesh.result("t").await.record;
    assert_eq!(
        (&body["task_id"], &body["state"], &body["output"]),
        (&json!("t"), &json!("completed"), &json!("hi"))
    );
    assert_eq!(delivered.body.as_bytes(), result_body(&record));
    settled(&Bare::of(&mesh.server).await).await;
    assert!(receiver.has_nothing(), "it was delivered twice");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_twice_gets_the_same_event_a_third_time() {
    let mesh = mesh(anywhere()).await;
    let mut receiver = Receiver::answering(&[500, 503, 200]).await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    submit(&mesh, "t", &receiver.url, "1").await;
    let mut bodies = Vec::new();
    for _ in 0..3 {
        let delivered = receiver.next().await;
        assert_eq!(delivered.header("webhook-id"), "callback:t:0");
        bodies.push(delivered.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    settled(&Bare::of(&mesh.server).await).await;
    assert!(receiver.has_nothing(), "it was delivered once more");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_hangs_is_timed_out_tried_again_and_holds_up_nobody() {
    let mesh = mesh(anywhere()).await;
    let mut hanging = Receiver::answering(&[0]).await;
    let mut prompt = Receiver::answering(&[200]).await;
    mesh.worker("w", 8, Arc::new(Simulate)).await;
    for n in 0..100 {
        submit(&mesh, &format!("slow-{n}"), &hanging.url, "1").await;
    }
    submit(&mesh, "t", &prompt.url, "1").await;
    assert_eq!(prompt.next().await.header("webhook-id"), "callback:t:0");
    // Four times each, and then they are given up.
    for _ in 0..400 {
        hanging.next().await;
    }
    settled(&Bare::of(&mesh.server).await).await;
    assert!(hanging.has_nothing(), "one was tried a fifth time");
    assert_eq!(mesh.result("slow-7").await.record.state.as_str(), "completed");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed_and_410_ends_it() {
    let mesh = mesh(anywhere()).await;
    let mut receiver = Receiver::answering(&[302, 410]).await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    submit(&mesh, "t", &receiver.url, "1").await;
    for _ in 0..2 {
        assert_eq!(receiver.next().await.path, "/");
    }
    settled(&Bare::of(&mesh.server).await).await;
    assert!(receiver.has_nothing());
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_delivered_to_loopback_or_private_addresses_however_they_are_named() {
    let mesh = mesh(CallbackOptions::default()).await;
    let mut receiver = Receiver::answering(&[200]).await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    let port = receiver.port;
    for (n, url) in [
        format!("http://127.0.0.1:{port}/"),
        // A name that stands for a loopback address.
        format!("http://localhost:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        "http://10.0.0.1/".to_owned(),
        "gopher://example.com/".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        submit(&mesh, &format!("t-{n}"), url, "1").await;
    }
    for n in 0..6 {
        let record = mesh.result(&format!("t-{n}")).await.record;
        assert_eq!(record.state.as_str(), "completed");
    }
    settled(&Bare::of(&mesh.server).await).await;
    assert!(receiver.has_nothing(), "it was delivered after all");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_given_up_and_one_that_is_cancelled_are_told_as_well() {
    let mesh = mesh(anywhere()).await;
    let mut receiver = Receiver::answering(&[200]).await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    submit(
        &mesh,
        "t",
        &receiver.url,
        r#"{"fail_rate":1,"fail_kind":"permanent"}"#,
    )
    .await;
    let body: Value = serde_json::from_str(&receiver.next().await.body).expect("JSON");
    assert_eq!(
        (&body["state"], &body["error"]["kind"]),
        (&json!("dead"), &json!("permanent"))
    );

    // A body that is no task, with a header that says where to tell it.
    let broken = Original::new(bytes::Bytes::from_static(b"{}"));
    mesh.broker
        .publish_task(&task(&mesh, "broken", &receiver.url), &broken)
        .await
        .expect("accepted");
    let body: Value = serde_json::from_str(&receiver.next().await.body).expect("JSON");
    assert_eq!(
        (&body["task_id"], &body["error"]["kind"]),
        (&json!("broken"), &json!("malformed"))
    );

    let door = Door::to_anywhere(&mesh).await;
    let url = &receiver.url;
    let posted =
        format!(r#"{{"task_id":"c","model":"m","input":{{"service_ms":600000}},"callback_url":"{url}"}}"#);
    assert_eq!(door.post(posted).await.status, 202);
    assert_eq!(door.delete("c").await.status, 200);
    let body: Value = serde_json::from_str(&receiver.next().await.body).expect("JSON");
    assert_eq!(
        (&body["task_id"], &body["state"]),
        (&json!("c"), &json!("cancelled"))
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_receiver_takes_what_is_signed_and_nothing_else() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mesh = mesh(anywhere()).await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    let key = tempfile::NamedTempFile::new().expect("there is a place for temporary files");
    std::fs::write(key.path(), KEY).expect("it can be written");
    let mut receiver = tokio::process::Command::new("python3")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/examples/python/callback_receiver.py"
        ))
        .arg(key.path())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("python3 runs");
    let output = receiver.stdout.take().expect("it is piped");
    let mut lines = BufReader::new(output).lines();
    let line = lines
        .next_line()
        .await
        .expect("text")
        .expect("it says where it listens");
    let url = line
        .strip_prefix("listening on ")
        .expect("it says where it listens");
    let forged = reqwest::Client::new()
        .post(url)
        .header("webhook-id", "callback:t:0")
        .header("webhook-timestamp", "1795435200")
        .header("webhook-signature", "v1,AAAA")
        .body("{}");
    assert_eq!(forged.send().await.expect("it answers").status().as_u16(), 401);
    submit(&mesh, "t", url, "7").await;
    let line = lines
        .next_line()
        .await
        .expect("text")
        .expect("it takes the record");
    let body: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&body["task_id"], &body["output"]), (&json!("t"), &json!(7)));
    mesh.stop().await;
}
