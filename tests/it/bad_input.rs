//! Messages that are no tasks, from clients that are not ours: each is a dead letter that says why,
//! byte for byte, and the worker goes on.

use std::sync::Arc;

use fairlane::executor::simulate::Simulate;
use fairlane::task::{DeadReason, State};
use serde_json::json;

use crate::support::{Bare, Mesh, TWO_CLASSES};

/// Headers and body of a message on `fl.task.core.pay.m.0`, and a part of what is said about it.
type Case = (&'static [(&'static str, &'static str)], Vec<u8>, &'static str);

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];
const PACKED: &[(&str, &str)] = &[("Content-Type", "application/msgpack")];
const TASK: &str = r#"{"model":"m","input":1}"#;

/// A mesh with one worker, whose slots all must stay usable.
async fn mesh() -> (Mesh, Bare) {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.worker("w", 2, Arc::new(Simulate)).await;
    let bare = Bare::of(&mesh.server).await;
    (mesh, bare)
}

async fn each_is_a_dead_letter(cases: Vec<Case>) {
    let (mesh, bare) = mesh().await;
    for (headers, body, says) in cases {
        let accepted = bare.publish("fl.task.core.pay.m.0", headers, body.clone()).await;
        let id = format!("core-{}", accepted.expect("the lane takes it").sequence);
        let (letter, original) = mesh.dead_letter(&id).await;
        assert_eq!(letter.reason, DeadReason::Malformed, "{says}");
        assert!(
            letter.report.error.contains(says),
            "{:?} does not say {says:?}",
            letter.report.error
        );
        assert_eq!(original.body, body, "{says}");
        assert_eq!(mesh.result(&id).await.record.state, State::Dead, "{says}");
    }
    bare.task(r#"{"task_id":"good","model":"m","input":1}"#).await;
    assert_eq!(mesh.result("good").await.record.state, State::Completed);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_task_is_a_dead_letter_that_says_what_is_wrong_where() {
    let mut cases: Vec<Case> = Vec::new();
    for (body, says) in [
        (r#"{"model":"m","inp"#, "EOF while parsing"),
        (r#"{"model":7,"input":1}"#, "model"),
        (r#"{"model":"m"}"#, "TaskBody.input: missing"),
        (r#"{"task_id":5,"model":"m","input":1}"#, "task_id"),
        (
            r#"{"task_id":"a\r\nFl-State: dead","model":"m","input":1}"#,
            "only A-Z a-z 0-9 _ - are allowed",
        ),
        (
            r#"{"task_id":"a\u0000b","model":"m","input":1}"#,
            "only A-Z a-z 0-9 _ - are allowed",
        ),
        (r#"{"model":"m","input":1,"timeout_ms":-1}"#, "timeout_ms"),
        (r#"{"model":"m","input":1,"depends_on":"x"}"#, "depends_on"),
        (
            r#"{"model":"m","input":1,"callback_url":"http://a\r\nb"}"#,
            "callback_url",
        ),
        (r#"{"model":"m","input":1e999}"#, "number out of range"),
        (r#"{"model":"m","input":1} x"#, "trailing characters"),
        ("[1,2]", "no JSON map"),
        ("", "no JSON map"),
    ] {
        cases.push((JSON, body.into(), says));
    }
    let deep = format!(r#"{{"model":"m","input":{}"#, "[".repeat(10_000));
    cases.push((JSON, deep.into(), "recursion limit"));
    cases.push((&[], b"\xff\xfe\x00not a task".to_vec(), "no MessagePack map"));
    cases.push((&[], Vec::new(), "no MessagePack map"));
    cases.push((JSON, b"{\"model\":\"\xff\"}".to_vec(), "invalid unicode"));
    cases.push((PACKED, b"\x82\xa5model\xc1\xa5input\x01".to_vec(), "at byte"));
    cases.push((PACKED, b"\xdf\xff\xff\xff\xff\xa5model".to_vec(), "at byte"));
    let deep = [&b"\x82\xa5model\xa1m\xa5input"[..], &[0x91; 10_000]].concat();
    cases.push((PACKED, deep, "depth limit"));
    each_is_a_dead_letter(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_does_not_say_what_it_should_is_named_in_the_dead_letter() {
    let cases: Vec<Case> = vec![
        (
            &[("Fl-Model", "other")],
            TASK.into(),
            "the model other travels as other, but was published as m",
        ),
        (&[("Fl-Hop", "-1")], TASK.into(), "Fl-Hop"),
        (&[("Fl-Attempt", "99999999999")], TASK.into(), "Fl-Attempt"),
        (&[("Fl-Deadline", "tomorrow")], TASK.into(), "Fl-Deadline"),
        (&[("Fl-Task-Id", "a.b")], TASK.into(), "Fl-Task-Id"),
        (&[("Fl-Tenant", "a b")], TASK.into(), "Fl-Tenant"),
        (&[("Fl-Cost", "NaN")], TASK.into(), "Fl-Cost"),
        (&[("Fl-Callback", "http://a b")], TASK.into(), "Fl-Callback"),
        (&[("Fl-Labels", "{")], TASK.into(), "Fl-Labels"),
        (&[("Fl-Depends-On", ",")], TASK.into(), "Fl-Depends-On"),
    ];
    each_is_a_dead_letter(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_that_disagrees_with_headers_and_body_wins() {
    let (mesh, bare) = mesh().await;
    let headers = [
        ("Fl-Class", "bulk"),
        ("Fl-Lane", "normal"),
        ("Fl-Shard", "9"),
        ("Fl-Tenant", "acme"),
    ];
    let body = r#"{"task_id":"one","model":"m","input":1,"class":"bulk"}"#;
    bare.publish("fl.task.core.pay.m.0", &headers, body)
        .await
        .unwrap();
    let record = mesh.result("one").await.record;
    assert_eq!(
        (record.state, record.class.as_str(), record.tenant.as_str()),
        (State::Completed, "pay", "acme")
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_id_that_was_seen_is_answered_as_a_duplicate_and_runs_once() {
    let (mesh, bare) = mesh().await;
    let headers = [("Nats-Msg-Id", "task:one:0")];
    let body = r#"{"task_id":"one","model":"m","input":1}"#;
    let first = bare
        .publish("fl.task.core.pay.m.0", &headers, body)
        .await
        .unwrap();
    let second = bare
        .publish("fl.task.core.pay.m.0", &headers, body)
        .await
        .unwrap();
    assert_eq!((first.duplicate, second.duplicate), (false, true));
    assert_eq!(mesh.result("one").await.record.state, State::Completed);
    assert_eq!(bare.stream("FL_CORE").await.last_sequence, 1);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_id_that_is_used_twice_has_one_result_and_the_first_stands() {
    let (mesh, bare) = mesh().await;
    for input in 1..=20 {
        bare.task(format!(r#"{{"task_id":"one","model":"m","input":{input}}}"#))
            .await;
    }
    bare.task(r#"{"task_id":"behind","model":"m","input":1}"#).await;
    assert_eq!(mesh.result("behind").await.record.state, State::Completed);
    let first = mesh.result("one").await;
    assert_eq!((first.record.state, first.sequence), (State::Completed, 1));
    assert!(
        [json!(1), json!(2)].contains(&first.record.output),
        "{:?}",
        first.record.output
    );
    mesh.stop().await;
}

/// A body as large as the server takes it, which leaves no room for anything beside it.
fn as_large_as_it_gets(mesh: &Mesh, start: &str) -> Vec<u8> {
    let room = mesh.broker.max_payload() - start.len() - 2;
    format!("{start}{}\"}}", "x".repeat(room)).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_too_large_to_be_moved_completes_or_ends_dead_without_its_body_and_says_so() {
    let (mesh, bare) = mesh().await;
    let good = r#"{"task_id":"good","model":"m","input":1,"pad":""#;
    bare.task(as_large_as_it_gets(&mesh, good)).await;
    assert_eq!(mesh.result("good").await.record.state, State::Completed);

    let failing = r#"{"task_id":"failing","model":"m","input":{"fail_attempts":1},"pad":""#;
    bare.task(as_large_as_it_gets(&mesh, failing)).await;
    let broken = r#"{"task_id":"broken","model":"m","pad":""#;
    bare.task(as_large_as_it_gets(&mesh, broken)).await;
    let stray = r#"{"task_id":"stray","model":"m","input":1,"pad":""#;
    let stray = as_large_as_it_gets(&mesh, stray);
    bare.publish("fl.task.core.nobody.m.0", &[], stray).await.unwrap();
    for (id, reason, says) in [
        ("failing", DeadReason::Permanent, "did not fit beside the report"),
        ("broken", DeadReason::Malformed, "input: missing"),
        ("stray", DeadReason::Unroutable, "no consumer for class nobody"),
    ] {
        let (letter, original) = mesh.dead_letter(id).await;
        assert_eq!((letter.reason, original.body.len()), (reason, 0), "{id}");
        assert!(letter.report.error.contains(says), "{}", letter.report.error);
        assert_eq!(mesh.result(id).await.record.state, State::Dead);
    }
    mesh.stop().await;
}
