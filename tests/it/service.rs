//! The NATS service: the same answers as over REST, and found through `$SRV`.

use async_nats::{HeaderMap, Message};
use expect_test::expect;
use serde_json::{Value, json};

use crate::rest::POLICY;
use crate::support::{Bare, Door, Mesh, Probe};

async fn ask(bare: &Bare, subject: &str, headers: &[(&str, &str)], body: &str) -> Message {
    let mut map = HeaderMap::new();
    headers.iter().for_each(|(name, value)| map.insert(*name, *value));
    let asked = bare
        .client
        .request_with_headers(subject.to_owned(), map, body.to_owned().into());
    asked.await.expect("the service answers")
}

fn body(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).expect("JSON")
}

/// Everything an error is told by.
fn told(message: &Message) -> String {
    let headers = message.headers.clone().unwrap_or_default();
    let header = |name: &str| headers.get(name).map_or("-", |value| value.as_str()).to_owned();
    format!(
        "{} {} {} {}: {}\n",
        header("Nats-Service-Error-Code"),
        header("Fl-Error-Code"),
        header("Fl-Error-Field"),
        header("Retry-After"),
        header("Nats-Service-Error"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_goes_in_over_the_service_and_its_state_comes_out() {
    let mesh = Mesh::start(POLICY).await;
    Door::of(&mesh).await;
    let bare = Bare::of(&mesh.server).await;
    let accepted = ask(
        &bare,
        "fl.submit",
        &[],
        r#"{"task_id":"t","model":"m","input":1,"priority":1}"#,
    )
    .await;
    let same = json!({"task_id":"t","lane":"core","class":"pay","state":"queued"});
    assert_eq!(body(&accepted), same);
    let keyed = [("Idempotency-Key", "k"), ("Fl-Tenant", "acme")];
    let first = ask(&bare, "fl.submit", &keyed, r#"{"model":"m","input":1}"#).await;
    let again = ask(&bare, "fl.submit", &keyed, r#"{"model":"m","input":1}"#).await;
    assert_eq!(body(&first), body(&again));
    let name = json!({"task_id": body(&first)["task_id"]}).to_string();
    let status = ask(&bare, "fl.status", &keyed, &name).await;
    assert_eq!(
        (&body(&status)["state"], &body(&status)["tenant"]),
        (&json!("queued"), &json!("acme"))
    );
    let cancelled = ask(&bare, "fl.cancel", &keyed, &name).await;
    assert_eq!(body(&cancelled)["state"], json!("cancelled"));

    let (probe, _starts) = Probe::gated();
    mesh.worker("w", 1, probe.clone()).await;
    probe.release(1);
    mesh.result("t").await;
    let status = ask(&bare, "fl.status", &[], r#"{"task_id":"t"}"#).await;
    assert_eq!(body(&status)["state"], json!("completed"));
    mesh.stop().await;
}

/// A submission that nothing is wrong with.
const TASK: &str = r#"{"model":"m","input":1}"#;
/// The same under a name.
const TAKEN: &str = r#"{"task_id":"taken","model":"m","input":1}"#;

/// A request: subject, headers and body.
type Asked = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

/// What a caller can get wrong.
const MISTAKES: &[Asked] = &[
    ("fl.submit", &[], "hello"),
    ("fl.submit", &[], r#"{"model":"m"}"#),
    ("fl.submit", &[], r#"{"model":"gpt","input":1}"#),
    ("fl.submit", &[], r#"{"task_id":"taken","model":"m","input":2}"#),
    ("fl.submit", &[("Fl-Tenant", "a b")], TASK),
    ("fl.submit", &[("Idempotency-Key", "ä")], TASK),
    (
        "fl.submit",
        &[("Idempotency-Key", "k")],
        r#"{"model":"m","input":2}"#,
    ),
    ("fl.submit", &[], r#"{"model":"m","input":1,"callback_url":"x"}"#),
    ("fl.submit", &[], r#"{"model":"m","input":1,"class":"slow"}"#),
    ("fl.submit", &[], r#"{"model":"m","input":1,"max_attempts":0}"#),
    (
        "fl.submit",
        &[],
        r#"{"model":"m","input":1,"run_at":"9999-11-23T12:00:00Z"}"#,
    ),
    ("fl.status", &[], "taken"),
    ("fl.status", &[], r#"{"task_id":"a.b"}"#),
    ("fl.status", &[], r#"{"task_id":"none"}"#),
    ("fl.cancel", &[], r#"{"task_id":"none"}"#),
    ("fl.cancel", &[("Fl-Tenant", "acme")], r#"{"task_id":"taken"}"#),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_answered_with_the_number_rest_has() {
    let mesh = Mesh::start(POLICY).await;
    Door::of(&mesh).await;
    let bare = Bare::of(&mesh.server).await;
    ask(&bare, "fl.submit", &[], TAKEN).await;
    ask(&bare, "fl.submit", &[("Idempotency-Key", "k")], TASK).await;
    let mut all = String::new();
    for (subject, headers, body) in MISTAKES {
        all += &told(&ask(&bare, subject, headers, body).await);
    }
    expect![[r#"
        400 body_unreadable body -: cannot read the task: the body is no MessagePack map of named fields; send a JSON object or a MessagePack map with at least model and input
        400 body_unreadable input -: cannot read the task: TaskBody.input: missing at line 1 column 13; send a JSON object or a MessagePack map with at least model and input
        422 unknown_model model -: model: no model "gpt"; the models are m, AutoGLM-Large; name one of them or add it to the policy
        422 task_id_reused task_id -: task_id: taken was submitted before with another body; use a new task_id for a new task
        400 bad_header Fl-Tenant -: Fl-Tenant: tenant has ' ' at byte 1; only A-Z a-z 0-9 _ - are allowed
        400 bad_header Idempotency-Key -: Idempotency-Key: give 1 to 255 printable ASCII characters
        422 idempotency_key_reused Idempotency-Key -: Idempotency-Key: was used before with another body; use a new key for a new task
        422 bad_callback_url callback_url -: callback_url is no URL: relative URL without a base; give one such as https://client.example.com/result
        422 unknown_class class -: class: no class "slow"; the classes are pay, bulk; name one of them or add it to the policy
        422 out_of_range max_attempts -: max_attempts: 0 would fail every task; give at least 1 or leave it out
        422 out_of_range run_at -: run_at: lies more than 366 days ahead; give an earlier time
        400 body_unreadable body -: cannot read the request: expected ident at line 1 column 2; send {"task_id": "…"}
        400 bad_name task_id -: task_id has '.' at byte 1; only A-Z a-z 0-9 _ - are allowed
        404 unknown_task task_id -: no task none: it was not submitted through a gateway by this tenant, or its record has aged out
        404 unknown_task task_id -: no task none: it was not submitted through a gateway by this tenant, or its record has aged out
        404 unknown_task task_id -: no task taken: it was not submitted through a gateway by this tenant, or its record has aged out
    "#]].assert_eq(&all);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_full_ended_broken_or_missing_is_answered_with_the_number_rest_has() {
    let mesh = Mesh::start(POLICY).await;
    Door::of(&mesh).await;
    let bare = Bare::of(&mesh.server).await;
    ask(&bare, "fl.submit", &[], TAKEN).await;
    let input = "x".repeat(8 * 1024 * 1024 - 1000);
    let big = format!(r#"{{"model":"m","input":"{input}"}}"#);
    let mut all = told(&ask(&bare, "fl.submit", &[], &big).await);
    bare.limit("FL_NORMAL", 1).await;
    all += &told(&ask(&bare, "fl.submit", &[], TASK).await);
    let (probe, _starts) = Probe::gated();
    mesh.worker("w", 4, probe.clone()).await;
    probe.release(10);
    mesh.result("taken").await;
    all += &told(&ask(&bare, "fl.cancel", &[], r#"{"task_id":"taken"}"#).await);
    let stored = bare.publish("fl.result.broken", &[], "no record").await;
    stored.expect("stored");
    all += &told(&ask(&bare, "fl.status", &[], r#"{"task_id":"broken"}"#).await);
    bare.jetstream.delete_stream("FL_NORMAL").await.expect("deleted");
    all += &told(&ask(&bare, "fl.submit", &[], TASK).await);
    expect![[r#"
        413 body_too_large body -: body: 8387632 bytes; at most 8323072 fit; make the input smaller, or raise the server's max_payload
        503 lane_full - 1: the normal lane is full; the task is not accepted; submit it again later
        409 already_ended task_id -: task taken has ended as completed; it cannot be cancelled any more
        500 record_unreadable - -: what is stored for this task cannot be read; whoever wrote it broke the protocol
        503 not_set_up - 5: the mesh's streams are missing; run `fairlane streams apply`; nothing was accepted
    "#]].assert_eq(&all);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_tells_its_schemas_and_counts_its_requests() {
    let mesh = Mesh::start(POLICY).await;
    Door::of(&mesh).await;
    let bare = Bare::of(&mesh.server).await;
    let info = body(&ask(&bare, "$SRV.INFO.fairlane", &[], "").await);
    let endpoints = info["endpoints"].as_array().expect("a list").clone();
    let mut subjects: Vec<&str> = endpoints.iter().filter_map(|e| e["subject"].as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(
        subjects,
        ["fl.cancel", "fl.status", "fl.submit", "fl.why"],
        "{info}"
    );
    for endpoint in &endpoints {
        for schema in ["request_schema", "response_schema"] {
            let text = endpoint["metadata"][schema].as_str().expect("a schema");
            let schema: Value = serde_json::from_str(text).expect("JSON");
            assert_eq!(schema["type"], json!("object"), "{endpoint}");
        }
    }
    ask(&bare, "fl.status", &[], r#"{"task_id":"none"}"#).await;
    let stats = body(&ask(&bare, "$SRV.STATS.fairlane", &[], "").await);
    let status = stats["endpoints"]
        .as_array()
        .and_then(|all| all.iter().find(|e| e["name"] == json!("status")))
        .expect("it is counted");
    assert_eq!(
        (&status["num_requests"], &status["num_errors"]),
        (&json!(1), &json!(1))
    );
    mesh.stop().await;
}
