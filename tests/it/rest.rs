//! REST: what is answered, in exact words, and what becomes of the task.

use expect_test::expect;
use fairlane::dev::{Server, ServerOptions};
use serde_json::json;

use crate::support::{Answered, Bare, Door, Mesh, PASSES, PATIENCE, Probe, connect, options};

/// Two classes, a simulated model and the one of the documentation.
pub(crate) const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 64, timeout_ms: 60000, max_priority: 2, ack_wait_ms: 5000 }
  normal: { concurrency: 64, timeout_ms: 60000, ack_wait_ms: 5000 }
classes:
  pay:  { priority: 1, share: 40 }
  bulk: { priority: 5, share: 10 }
default_class: bulk
models:
  m: { executor: simulate }
  AutoGLM-Large: { executor: simulate }
";

#[tokio::test(flavor = "multi_thread")]
async fn a_task_goes_in_over_rest_and_its_result_comes_out() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    let accepted = door
        .post(r#"{ "task_id": "task-001", "model": "AutoGLM-Large", "input": "hello", "priority": 1 }"#)
        .await;
    assert_eq!(
        (accepted.status, accepted.header("location")),
        (202, "/v1/tasks/task-001")
    );
    expect![[r#"{"task_id":"task-001","lane":"core","class":"pay","state":"queued"}"#]]
        .assert_eq(&accepted.body);

    let open = door.get("/v1/tasks/task-001/result").await;
    assert_eq!((open.status, &open.json()["state"]), (202, &json!("queued")));

    // The second model of the policy: the probe serves the first.
    let (probe, _starts) = Probe::gated();
    mesh.worker_for("w", 2, 1, probe.clone()).await;
    probe.release(1);
    let ended = door.get("/v1/tasks/task-001/result?wait=60").await;
    let record = ended.json();
    assert_eq!(ended.status, 200, "{ended:?}");
    for (field, value) in [
        ("task_id", json!("task-001")),
        ("state", json!("completed")),
        ("worker", json!("w")),
        ("error", json!(null)),
        ("attempt", json!(0)),
    ] {
        assert_eq!(record[field], value, "{field} of {record}");
    }
    let status = door.get("/v1/tasks/task-001").await.json();
    for (field, value) in [
        ("state", "completed"),
        ("lane", "core"),
        ("class", "pay"),
        ("model", "AutoGLM-Large"),
        ("tenant", "default"),
    ] {
        assert_eq!(status[field], json!(value), "{field} of {status}");
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_answered_with_its_code_field_and_remedy() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    assert_eq!(
        door.post(r#"{"task_id":"taken","model":"m","input":1}"#)
            .await
            .status,
        202
    );
    let post = |body: &str| door.request("POST", "/v1/tasks").body(body.to_owned());
    let mut told = String::new();
    for request in [
        post("hello"),
        post(r#"{"model":"m""#),
        post(r#"{"model":"m"}"#),
        post(r#"{"model":"m","input":1,"priority":"high"}"#),
        post(r#"{"model":"m","input":1,"task_id":"a.b"}"#),
        post(r#"{"model":"gpt","input":1}"#),
        post(r#"{"model":"m","input":1,"class":"slow"}"#),
        post(r#"{"model":"m","input":1,"timeout_ms":0}"#),
        post(r#"{"model":"m","input":1,"run_at":"9999-11-23T12:00:00Z"}"#),
        post(r#"{"model":"m","input":1,"callback_url":"ftp://example.com"}"#),
        post(r#"{"task_id":"taken","model":"m","input":2}"#),
        post(r#"{"model":"m","input":1}"#).header("Fl-Tenant", "a b"),
        post(r#"{"model":"m","input":1}"#).header("Idempotency-Key", ""),
        post(r#"{"model":"m","input":1}"#)
            .header("Fl-Tenant", "a")
            .header("Fl-Tenant", "b"),
        door.request("GET", "/v1/tasks/none"),
        door.request("GET", "/v1/tasks/a.b"),
        door.request("GET", "/v1/tasks/%FF"),
        door.request("GET", "/v1/tasks/none/result"),
        door.request("GET", "/v1/tasks/none/result?wait=soon"),
        door.request("DELETE", "/v1/tasks/none"),
        door.request("PUT", "/v1/tasks"),
        door.request("GET", "/v2"),
    ] {
        told += &Answered::of(request).await.told();
    }
    expect![[r#"
        400 application/problem+json {"type":"about:blank","title":"Bad Request","status":400,"code":"body_unreadable","detail":"cannot read the task: the body is no MessagePack map of named fields; send a JSON object or a MessagePack map with at least model and input","field":"body"}
        400 application/problem+json {"type":"about:blank","title":"Bad Request","status":400,"code":"body_unreadable","detail":"cannot read the task: EOF while parsing an object at line 1 column 12; send a JSON object or a MessagePack map with at least model and input","field":"body"}
        400 application/problem+json {"type":"about:blank","title":"Bad Request","status":400,"code":"body_unreadable","detail":"cannot read the task: TaskBody.input: missing at line 1 column 13; send a JSON object or a MessagePack map with at least model and input","field":"input"}
        400 application/problem+json {"type":"about:blank","title":"Bad Request","status":400,"code":"body_unreadable","detail":"cannot read the task: TaskBody.priority: invalid type: string \"high\", expected u32 at line 1 column 40; send a JSON object or a MessagePack map with at least model and input","field":"priority"}
        400 application/problem+json {"type":"about:blank","title":"Bad Request","status":400,"code":"body_unreadable","detail":"cannot read the task: TaskBody.task_id: task_id has '.' at byte 1; only A-Z a-z 0-9 _ - are allowed at line 1 column 39; send a JSON object or a MessagePack map with at least model and input","field":"task_id"}
        422 application/problem+json {"type":"about:blank","title":"Unprocessable Content","status":422,"code":"unknown_model","detail":"model: no model \"gpt\"; the models are m, AutoGLM-Large; name one of them or add it to the policy","field":"model"}
        422 application/problem+json {"type":"about:blank","title":"Unprocessable Content","status":422,"code":"unknown_class","detail":"class: no class \"slow\"; the classes are pay, bulk; name one of them or add it to the policy","field":"class"}
        422 application/problem+json {"type":"about:blank","title":"Unprocessable Content","status":422,"code":"out_of_range","detail":"timeout_ms: 0 would fail every task; give at least 1 or leave it out","field":"timeout_ms"}
        422 application/problem+json {"type":"about:blank","title":"Unprocessable Content","status":422,"code":"out_of_range","detail":"run_at: lies more than 366 days ahead; give an earlier time","field":"run_at"}
        422 application/problem+json {"type":"about:blank","title":"Unprocessable Content","status":422,"code":"bad_callback_url","detail":"callback_url has the scheme \"ftp\"; only https and http are delivered to","field":"callback_url"}
        422 application/problem+json {"type":"about:blank","title":"Unprocessable Content","status":422,"code":"task_id_reused","detail":"task_id: taken was submitted before with another body; use a new task_id for a new task","field":"task_id"}
        400 application/problem+json {"type":"about:blank","title":"Bad Request","status":400,"code":"bad_header","detail":"Fl-Tenant: tenant has ' ' at byte 1; only A-Z a-z 0-9 _ - are allowed","field":"Fl-Tenant"}
        400 application/problem+json {"type":"about:blank","title":"Bad Request","status":400,"code":"bad_header","detail":"Idempotency-Key: give 1 to 255 printable ASCII characters","field":"Idempotency-Key"}
        400 application/problem+json {"type":"about:blank","title":"Bad Request","status":400,"code":"bad_header","detail":"Fl-Tenant: give it once, in printable ASCII","field":"Fl-Tenant"}
        404 application/problem+json {"type":"about:blank","title":"Not Found","status":404,"code":"unknown_task","detail":"no task none: it was not submitted through a gateway by this tenant, or its record has aged out","field":"task_id"}
        400 application/problem+json {"type":"about:blank","title":"Bad Request","status":400,"code":"bad_name","detail":"task_id has '.' at byte 1; only A-Z a-z 0-9 _ - are allowed","field":"task_id"}
        400 application/problem+json {"type":"about:blank","title":"Bad Request","status":400,"code":"bad_name","detail":"task_id: Invalid URL: Invalid UTF-8 in `id`","field":"task_id"}
        404 application/problem+json {"type":"about:blank","title":"Not Found","status":404,"code":"unknown_task","detail":"no task none: it was not submitted through a gateway by this tenant, or its record has aged out","field":"task_id"}
        422 application/problem+json {"type":"about:blank","title":"Unprocessable Content","status":422,"code":"out_of_range","detail":"wait: give whole seconds from 0 to 300","field":"wait"}
        404 application/problem+json {"type":"about:blank","title":"Not Found","status":404,"code":"unknown_task","detail":"no task none: it was not submitted through a gateway by this tenant, or its record has aged out","field":"task_id"}
        405 application/problem+json {"type":"about:blank","title":"Method Not Allowed","status":405,"code":"method_not_allowed","detail":"this path does not take that method; POST /v1/tasks, GET or DELETE /v1/tasks/{id}, GET /v1/tasks/{id}/result or /v1/tasks/{id}/why, GET or POST /v1/schedules, GET or DELETE /v1/schedules/{name}, POST /v1/schedules/{name}/pause or /v1/schedules/{name}/resume, GET or PUT /v1/policy, GET /v1/policy/versions, POST /v1/policy/rollback or /v1/policy/validate, GET or POST /v1/policy/rollout, POST /v1/policy/rollout/pause, /v1/policy/rollout/resume, /v1/policy/rollout/promote or /v1/policy/rollout/abort, GET, PUT or DELETE /v1/policy/shadow"}
        404 application/problem+json {"type":"about:blank","title":"Not Found","status":404,"code":"unknown_path","detail":"nothing here; there are /v1/tasks, /v1/tasks/{id}, /v1/tasks/{id}/result, /v1/tasks/{id}/why, /v1/schedules, /v1/schedules/{name}, /v1/schedules/{name}/pause, /v1/schedules/{name}/resume, /v1/policy, /v1/policy/versions, /v1/policy/rollback, /v1/policy/validate, /v1/policy/rollout, /v1/policy/rollout/pause, /v1/policy/rollout/resume, /v1/policy/rollout/promote, /v1/policy/rollout/abort, /v1/policy/shadow, /healthz, /readyz and /metrics"}
    "#]].assert_eq(&told);
    let big = format!(r#"{{"model":"m","input":"{}"}}"#, "x".repeat(9 * 1024 * 1024));
    expect![[r#"
        413 application/problem+json {"type":"about:blank","title":"Content Too Large","status":413,"code":"body_too_large","detail":"body: more than 8323072 bytes, which is what fits; make the input smaller, or raise the server's max_payload","field":"body"}
    "#]].assert_eq(&door.post(big).await.told());
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_lane_is_answered_with_503_and_when_to_come_again() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    bare.limit("FL_NORMAL", 1).await;
    let task = |n: u32| format!(r#"{{"task_id":"t-{n}","model":"m","input":{n}}}"#);
    assert_eq!(door.post(task(1)).await.status, 202);
    let full = door.post(task(2)).await;
    assert_eq!(full.header("retry-after"), "1");
    expect![[r#"
        503 application/problem+json {"type":"about:blank","title":"Service Unavailable","status":503,"code":"lane_full","detail":"the normal lane is full; the task is not accepted; submit it again later"}
    "#]].assert_eq(&full.told());
    // The same again once there is room: one task.
    bare.limit("FL_NORMAL", 10).await;
    assert_eq!(door.post(task(2)).await.status, 202);
    assert_eq!(bare.stream("FL_NORMAL").await.messages, 2);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_nothing_is_accepted_and_with_it_again_the_same_is() {
    let store = tempfile::tempdir().expect("there is a place for temporary folders");
    let keeping = |port| ServerOptions {
        store: Some(store.path().to_owned()),
        port,
        ..options()
    };
    let server = Server::start(keeping(None)).await.expect("it starts");
    let mut mesh = Mesh::on(server, POLICY).await;
    let broker = connect(&mesh.server, "gateway").await;
    let door = Door::open(&mesh, broker.clone(), &mesh.lifecycle.child()).await;
    let body = r#"{"task_id":"t","model":"m","input":1}"#;
    let (_, port) = mesh.server.url().rsplit_once(':').expect("it has a port");
    let port = port.parse().expect("a number");
    mesh.server.stop().await;

    // The first may be sent before the loss is noticed; then nobody answers it.
    assert_eq!(door.post(body).await.status, 503);
    let refused = door.post(body).await;
    assert_eq!(refused.header("retry-after"), "5");
    expect![[r#"
        503 application/problem+json {"type":"about:blank","title":"Service Unavailable","status":503,"code":"unavailable","detail":"the connection to NATS is lost; nothing was done; try again"}
    "#]].assert_eq(&refused.told());
    mesh.server = Server::start(keeping(Some(port))).await.expect("it starts");
    assert!(broker.connected_within(PATIENCE).await);
    assert_eq!(door.post(body).await.status, 202);
    let bare = Bare::of(&mesh.server).await;
    assert_eq!(bare.stream("FL_NORMAL").await.messages, 1);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_again_is_the_same_task_and_something_else_is_refused() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let body = r#"{"task_id":"once","model":"m","input":1}"#;
    let (first, second) = (door.post(body).await, door.post(body).await);
    assert_eq!((first.status, second.status), (202, 202));
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(second.header("idempotency-replayed"), "true");

    let keyed = |key: &str, body: &str| {
        door.request("POST", "/v1/tasks")
            .header("Idempotency-Key", key)
            .body(body.to_owned())
    };
    let nameless = r#"{"model":"m","input":1}"#;
    let first = Answered::of(keyed("order 7", nameless)).await;
    let second = Answered::of(keyed("order 7", nameless)).await;
    assert_eq!((first.status, &first.body), (202, &second.body));
    let other = Answered::of(keyed("order 8", nameless)).await;
    assert_ne!(other.json()["task_id"], first.json()["task_id"]);
    // Under a key a task_id is part of what was asked.
    let named = r#"{"task_id":"x-1","model":"m","input":1}"#;
    assert_eq!(Answered::of(keyed("order 9", named)).await.status, 202);
    let renamed = Answered::of(keyed("order 9", &named.replace("x-1", "x-2"))).await;
    expect![[r#"
        422 application/problem+json {"type":"about:blank","title":"Unprocessable Content","status":422,"code":"idempotency_key_reused","detail":"Idempotency-Key: was used before with another body; use a new key for a new task","field":"Idempotency-Key"}
    "#]].assert_eq(&renamed.told());
    // What is refused does not use its key up.
    let taken = named.replace(r#""input":1"#, r#""input":2"#);
    let refused = Answered::of(keyed("order 10", &taken)).await;
    assert_eq!(refused.json()["code"], json!("task_id_reused"), "{refused:?}");
    let mended = named.replace("x-1", "x-3");
    assert_eq!(Answered::of(keyed("order 10", &mended)).await.status, 202);
    assert_eq!(bare.stream("FL_NORMAL").await.messages, 5);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tenants_may_use_one_name_and_neither_sees_the_others_task() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    let as_tenant =
        |tenant: &str, method: &str, path: &str| door.request(method, path).header("Fl-Tenant", tenant);
    for tenant in ["acme", "globex"] {
        let body = format!(r#"{{"task_id":"t","model":"m","input":"{tenant}"}}"#);
        let accepted = Answered::of(as_tenant(tenant, "POST", "/v1/tasks").body(body)).await;
        assert_eq!(accepted.json()["task_id"], json!("t"), "{accepted:?}");
    }
    let (probe, _starts) = Probe::gated();
    mesh.worker("w", 2, probe.clone()).await;
    probe.release(2);
    for tenant in ["acme", "globex"] {
        let ended = Answered::of(as_tenant(tenant, "GET", "/v1/tasks/t/result?wait=60")).await;
        assert_eq!((ended.status, &ended.json()["task_id"]), (200, &json!("t")));
    }
    assert_eq!(door.get("/v1/tasks/t").await.status, 404);
    // Not even by the name it has inside.
    assert_eq!(door.get("/v1/tasks/822b33ad-t").await.status, 404);
    assert_eq!(door.delete("822b33ad-t").await.status, 404);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_task_does_not_run_and_has_no_other_result() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    door.post(r#"{"task_id":"stop","model":"m","input":1}"#).await;
    let mut notices = bare.hear("fl.ctl.cancel.*").await;
    let cancelled = door.delete("stop").await;
    expect![[r#"200 application/json {"task_id":"stop","state":"cancelled"}
"#]]
    .assert_eq(&cancelled.told());
    assert_eq!(notices.next().await.subject.as_str(), "fl.ctl.cancel.stop");
    assert_eq!(
        door.delete("stop").await.status,
        200,
        "cancelling twice is no mistake"
    );
    let record = door.get("/v1/tasks/stop/result").await.json();
    assert_eq!(
        (&record["state"], &record["error"]["kind"]),
        (&json!("cancelled"), &json!("cancelled"))
    );

    let (probe, mut starts) = Probe::gated();
    mesh.worker("w", 2, probe.clone()).await;
    door.post(format!(r#"{{"task_id":"next","model":"m","input":{PASSES}}}"#))
        .await;
    assert_eq!(mesh.result("next").await.record.state.as_str(), "completed");
    assert_eq!(starts.recv().await.map(|(_, id)| id).as_deref(), Some("next"));
    expect![[r#"
        409 application/problem+json {"type":"about:blank","title":"Conflict","status":409,"code":"already_ended","detail":"task next has ended as completed; it cannot be cancelled any more","field":"task_id"}
    "#]].assert_eq(&door.delete("next").await.told());
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_to_the_server_among_a_clients_headers_go_no_further() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let mut heard = bare.hear("fl.task.>").await;
    let body = r#"{"task_id":"t","model":"m","input":1}"#;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = door
        .request("POST", "/v1/tasks")
        .header("Nats-Rollup", "all")
        .header("Nats-Msg-Id", "mine")
        .header("Fl-Hop", "9")
        .header("Fl-Fence", "77")
        .header("traceparent", trace)
        .body(body);
    assert_eq!(Answered::of(request).await.status, 202);
    let stored = heard.next().await;
    let headers = stored.headers.clone().expect("it has headers");
    let header = |name: &str| headers.get(name).map(|value| value.as_str());
    assert_eq!(header("Nats-Msg-Id"), Some("task:t:0"));
    assert_eq!(
        (header("Nats-Rollup"), header("traceparent")),
        (None, Some(trace))
    );
    for name in ["Fl-Hop", "Fl-Fence"] {
        assert_eq!(header(name).unwrap_or("0"), "0", "{name}");
    }
    assert_eq!(stored.payload, body.as_bytes(), "the body stays byte for byte");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_url_that_spells_out_an_address_that_is_not_public_is_refused_at_once() {
    let mesh = Mesh::start(POLICY).await;
    let door = Door::of(&mesh).await;
    for host in ["169.254.169.254", "2130706433", "[::ffff:10.0.0.1]"] {
        let told = door
            .post(format!(
                r#"{{"model":"m","input":1,"callback_url":"http://{host}/"}}"#
            ))
            .await;
        let problem = told.json();
        assert_eq!(
            (told.status, &problem["code"], &problem["field"]),
            (422, &json!("bad_callback_url"), &json!("callback_url")),
            "{host}"
        );
    }
    mesh.stop().await;
}
