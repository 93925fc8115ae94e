//! Tasks as they arrive: who wins when subject, header and body differ.

use serde_json::json;

use super::sample;
use crate::task::{EpochMs, Route, Task, TaskId};
use crate::wire::header::{self, Headers};
use crate::wire::*;

fn arrival<'a>(route: &'a Route, headers: &'a Headers, body: &'a [u8]) -> Arrival<'a> {
    Arrival {
        route,
        headers,
        body,
        origin: Origin::Lane(4711),
        stored_at: EpochMs(5),
    }
}

fn with(pairs: &[(&'static str, &str)]) -> Headers {
    let mut headers = Headers::default();
    for (name, value) in pairs {
        headers.set(*name, *value);
    }
    headers
}

fn read(headers: &Headers, body: &[u8]) -> Result<Task, Malformed> {
    let route = sample::route();
    let arrival = arrival(&route, headers, body);
    let (facts, task) = (read_facts(&arrival), read_task(&arrival));
    assert_eq!(
        facts,
        task.map(|incoming| incoming.task),
        "both readers must agree"
    );
    facts
}

#[test]
fn a_bare_publication_takes_all_from_subject_body_and_stream() {
    let body = json!({"model": "BAAI/bge.m3", "input": 1, "class": "other", "priority": 4, "tenant": "acme"});
    let task = read(&with(&[]), body.to_string().as_bytes()).unwrap();
    assert_eq!(task.id.as_str(), "core-4711");
    assert_eq!(task.class, sample::task().class, "the subject wins");
    assert_eq!((task.tenant.as_str(), task.facts.priority), ("acme", Some(4)));
    assert_eq!(
        (task.enqueued_at, task.hop, task.attempt, task.fence),
        (EpochMs(5), 0, 0, 0)
    );
}

#[test]
fn a_header_wins_over_the_body_and_the_subject_over_the_header() {
    let body = json!({"model": "other", "input": 1, "task_id": "b", "tenant": "b", "timeout_ms": 1, "labels": {"k": "body"}});
    let headers = with(&[
        (header::TASK_ID, "h"),
        (header::TENANT, "h"),
        (header::MODEL, "BAAI/bge.m3"),
        (header::LANE, "normal"),
        (header::CLASS, "h"),
        (header::SHARD, "9"),
        (header::TIMEOUT_MS, "2"),
        (header::ENQUEUED_AT, "3"),
    ]);
    let task = read(&headers, body.to_string().as_bytes()).unwrap();
    assert_eq!(
        (task.id.as_str(), task.tenant.as_str(), task.model),
        ("h", "h", sample::model())
    );
    assert_eq!(
        (task.lane, task.class, task.shard),
        (sample::task().lane, sample::task().class, sample::task().shard)
    );
    assert_eq!((task.facts.timeout_ms, task.enqueued_at), (Some(2), EpochMs(3)));
    assert_eq!(task.facts.labels["k"], "body");
}

#[test]
fn complete_headers_need_no_body_to_be_moved_by() {
    let (route, headers) = (sample::route(), task_headers(&sample::task()));
    let arrival = arrival(&route, &headers, b"\xff garbage");
    assert_eq!(read_facts(&arrival), Ok(sample::task()));
    assert_eq!(read_task(&arrival).unwrap_err().task_id, sample::task().id);
}

#[test]
fn a_model_that_travels_under_another_token_is_malformed() {
    let told = read(&with(&[]), br#"{"model":"BAAI/bge-m3","input":1}"#).unwrap_err();
    assert!(
        told.what.contains("BAAI/bge-m3") && told.what.contains(sample::route().model.as_str()),
        "{told}"
    );
    let token = sample::route().model.as_str().to_owned();
    let body = json!({"model": token, "input": 1}).to_string();
    assert_eq!(
        read(&with(&[]), body.as_bytes()).unwrap().model.as_str(),
        token,
        "a token is its own name"
    );
}

#[test]
fn a_malformed_task_has_the_best_identity_there_is() {
    let named = with(&[(header::TASK_ID, "h")]);
    let illegal = with(&[(header::TASK_ID, "h.h")]);
    for (headers, body, id) in [
        (&named, &b"\xff"[..], "h"),
        (&illegal, br#"{"model":"m","input":1}"#, "core-4711"),
        (&illegal, br#"{"task_id":"b","model":"m","input":1}"#, "b"),
        (&with(&[]), br#"{"task_id":"b","model":"m"}"#, "b"),
        (&with(&[]), br#"{"priority":"high","task_id":"b""#, "b"),
        (&with(&[]), b"\x82\xa7task_id\xa1b\xa5model", "b"),
        (&with(&[]), br#"{"task_id":"b.b"}"#, "core-4711"),
        (&with(&[]), b"", "core-4711"),
    ] {
        assert_eq!(read(headers, body).unwrap_err().task_id.as_str(), id, "{body:?}");
    }
}

#[test]
fn a_header_that_cannot_be_read_is_named() {
    for (name, bad) in [
        (header::HOP, "x"),
        (header::ATTEMPT, "-1"),
        (header::ENQUEUED_AT, "2026-11-23T12:00:00Z"),
        (header::TENANT, "a b"),
        (header::DEADLINE, "soon"),
        (header::COST, "NaN"),
        (header::CALLBACK, "https://é"),
        (header::DEPENDS_ON, "a,,b"),
        (header::LABELS, "[]"),
        (header::POLICY, "new"),
    ] {
        let mut headers = task_headers(&sample::task());
        headers.set(name, bad);
        let route = sample::route();
        let arrival = arrival(&route, &headers, b"");
        let told = read_facts(&arrival).unwrap_err();
        assert!(told.what.starts_with(&format!("{name}: ")), "{told}");
        let saved = salvage(&arrival, &told);
        assert_eq!((saved.id, saved.class), (sample::task().id, sample::task().class));
    }
}

#[test]
fn a_broken_trace_context_is_dropped_and_refuses_nothing() {
    let mut headers = task_headers(&sample::task());
    headers.set(header::TRACEPARENT, "é");
    let route = sample::route();
    assert_eq!(
        read_facts(&arrival(&route, &headers, b""))
            .unwrap()
            .facts
            .traceparent,
        None
    );
}

#[test]
fn a_salvaged_task_keeps_its_readable_headers() {
    let (route, headers) = (sample::route(), task_headers(&sample::task()));
    let arrival = arrival(&route, &headers, b"\xff");
    let told = read_task(&arrival).unwrap_err();
    assert_eq!(salvage(&arrival, &told), sample::task());
    let nameless = with(&[]);
    let arrival = super::publications::arrival(&route, &nameless, b"\xff");
    let told = read_task(&arrival).unwrap_err();
    assert_eq!(salvage(&arrival, &told).id, TaskId::new("core-4711").unwrap());
}

#[test]
fn what_lies_in_another_stream_never_takes_the_name_of_a_task_on_a_lane() {
    let route = sample::route();
    let headers = Headers::default();
    let elsewhere = Arrival {
        origin: Origin::Elsewhere(4711),
        ..arrival(&route, &headers, br#"{"model":"BAAI/bge.m3","input":1}"#)
    };
    let broken = Arrival {
        body: b"\xff",
        ..elsewhere
    };
    let malformed = read_task(&broken).unwrap_err();
    for id in [read_facts(&elsewhere).unwrap().id, malformed.task_id] {
        assert_eq!(id.as_str(), format!("orphan-{}-4711", route.lane));
    }
}
