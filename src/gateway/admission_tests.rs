//! What is admitted as what, and what is refused in which words.

use bytes::Bytes;
use expect_test::expect;
use serde_json::json;

use super::*;
use crate::config::default_policy;
use crate::policy::Reach;
use crate::task::{ClassName, EpochMs, Lane, Route, TaskId, TenantId};
use crate::wire::{Codec, TaskBody, parse_body, write_body};

const NOW: EpochMs = EpochMs(1_795_435_200_000);
const BODY_MAX: usize = 2048;
const TERMS: Terms = Terms {
    body_max: BODY_MAX,
    reach: Reach::Public,
};

fn admitted(body: &str, asked: &Asked) -> Result<Admitted, Refusal> {
    let new_id = || TaskId::new("fresh").unwrap();
    let body = Bytes::from(body.to_owned());
    admit(&default_policy(), body, None, asked, NOW, new_id, TERMS)
}

/// A task with `more` fields.
fn body(more: &str) -> String {
    format!(r#"{{"model": "all-MiniLM-L6-v2", "input": "hi"{more}}}"#)
}

/// One line on what becomes of `body`.
fn said(body: &str, asked: &Asked) -> String {
    match admitted(body, asked) {
        Ok(Admitted { task, original, .. }) => {
            assert_eq!(original.body, body.as_bytes(), "the body stays byte for byte");
            assert_eq!(original.header("Content-Type"), Some("application/json"));
            let route = crate::broker::subject::task(&Route::of(&task));
            format!("{} for {} on {route} {:#?}\n", task.id, task.tenant, task.facts)
        }
        Err(refusal) => format!("{}: {refusal}\n", refusal.code()),
    }
}

#[test]
fn a_task_goes_where_the_policy_says() {
    for (more, lane, class) in [
        ("", Lane::Normal, "metrics_ingestion"),
        (r#", "class": "user_auth""#, Lane::Core, "user_auth"),
        (r#", "priority": 1"#, Lane::Core, "payment_processing"),
        (r#", "priority": 5"#, Lane::Normal, "daily_backup"),
        (r#", "business_weight": 6"#, Lane::Core, "metrics_ingestion"),
        (
            r#", "deadline": "2026-11-23T13:00:00Z""#,
            Lane::Core,
            "metrics_ingestion",
        ),
        (
            r#", "depends_on": [], "run_at": null, "labels": {}"#,
            Lane::Normal,
            "metrics_ingestion",
        ),
    ] {
        let task = admitted(&body(more), &Asked::default()).unwrap().task;
        assert_eq!((task.lane, task.class.as_str()), (lane, class), "{more}");
        assert_eq!(
            (task.attempt, task.hop, task.fence, task.enqueued_at),
            (0, 0, 0, NOW)
        );
    }
}

#[test]
fn what_is_asked_beside_the_body_wins_over_it() {
    let asked = Asked {
        lane: Some(Lane::Core),
        class: Some(ClassName::new("daily_backup").unwrap()),
        tenant: Some(TenantId::new("acme").unwrap()),
        task_id: Some(TaskId::new("mine").unwrap()),
        priority: Some(4),
        deadline: Some(EpochMs(NOW.0 + 1)),
        timeout_ms: Some(20),
        max_attempts: Some(7),
        run_at: None,
    };
    let own = body(
        r#", "task_id": "t", "class": "user_auth", "tenant": "b", "priority": 9,
            "timeout_ms": 1, "max_attempts": 1, "labels": {"a": "b"}"#,
    );
    expect![[r#"
        mine for acme on fl.task.core.daily_backup.all-MiniLM-L6-v2.0 TaskFacts {
            deadline: Some(
                EpochMs(
                    1795435200001,
                ),
            ),
            priority: Some(
                4,
            ),
            cost: None,
            max_attempts: Some(
                7,
            ),
            timeout_ms: Some(
                20,
            ),
            callback: None,
            depends_on: [],
            concurrency_key: None,
            labels: {
                "a": "b",
            },
            policy: None,
            traceparent: None,
        }
        t for b on fl.task.core.user_auth.all-MiniLM-L6-v2.0 TaskFacts {
            deadline: None,
            priority: Some(
                9,
            ),
            cost: None,
            max_attempts: Some(
                1,
            ),
            timeout_ms: Some(
                1,
            ),
            callback: None,
            depends_on: [],
            concurrency_key: None,
            labels: {
                "a": "b",
            },
            policy: None,
            traceparent: None,
        }
    "#]]
    .assert_eq(&(said(&own, &asked) + &said(&own, &Asked::default())));
}

#[test]
fn a_refusal_says_which_field_what_is_wrong_and_what_to_do() {
    let table: String = [
        body(&format!(r#", "x": "{}""#, "x".repeat(BODY_MAX))),
        "hello".to_owned(),
        r#"{"model": "all-MiniLM-L6-v2"}"#.to_owned(),
        r#"{"model": "gpt", "input": 1}"#.to_owned(),
        body(r#", "class": "user-auth""#),
        body(r#", "class": "a.b""#),
        body(r#", "task_id": "a\r\nFl-State: dead""#),
        body(r#", "run_at": "2028-11-23T13:00:00Z""#),
        body(r#", "run_at": "2026-11-23T13:00:00Z", "deadline": "2026-11-23T13:00:00Z""#),
        body(r#", "callback_url": "client.example.com""#),
        body(r#", "callback_url": "ftp://example.com""#),
        body(r#", "callback_url": "https://a:b@example.com""#),
        body(r#", "callback_url": "http://0x7f.1/""#),
        body(r#", "callback_url": "http://[::ffff:10.0.0.1]/""#),
        body(r#", "timeout_ms": 0"#),
        body(r#", "max_attempts": 0"#),
    ]
    .iter()
    .map(|body| said(body, &Asked::default()))
    .collect();
    expect![[r#"
        body_too_large: body: 2101 bytes; at most 2048 fit; make the input smaller, or raise the server's max_payload
        body_unreadable: cannot read the task: the body is no MessagePack map of named fields; send a JSON object or a MessagePack map with at least model and input
        body_unreadable: cannot read the task: TaskBody.input: missing at line 1 column 29; send a JSON object or a MessagePack map with at least model and input
        unknown_model: model: no model "gpt"; the models are all-MiniLM-L6-v2; name one of them or add it to the policy
        unknown_class: class: no class "user-auth"; the classes are payment_processing, user_auth, metrics_ingestion, daily_backup; name one of them or add it to the policy
        body_unreadable: cannot read the task: TaskBody.class: class has '.' at byte 1; only A-Z a-z 0-9 _ - are allowed at line 1 column 60; send a JSON object or a MessagePack map with at least model and input
        body_unreadable: cannot read the task: TaskBody.task_id: task_id has '\r' at byte 1; only A-Z a-z 0-9 _ - are allowed at line 1 column 78; send a JSON object or a MessagePack map with at least model and input
        out_of_range: run_at: lies more than 366 days ahead; give an earlier time
        out_of_range: deadline: passes before run_at, so the task could only expire; give a later deadline or an earlier run_at
        bad_callback_url: callback_url is no URL: relative URL without a base; give one such as https://client.example.com/result
        bad_callback_url: callback_url has the scheme "ftp"; only https and http are delivered to
        bad_callback_url: callback_url holds a user name or password; leave them out: deliveries are signed
        bad_callback_url: callback_url leads to 127.0.0.1, which is no address of the public internet; give a public host (`fairlane dev --callback-private` takes others)
        bad_callback_url: callback_url leads to ::ffff:10.0.0.1, which is no address of the public internet; give a public host (`fairlane dev --callback-private` takes others)
        out_of_range: timeout_ms: 0 would fail every task; give at least 1 or leave it out
        out_of_range: max_attempts: 0 would fail every task; give at least 1 or leave it out
    "#]].assert_eq(&table);
}

#[test]
fn message_pack_is_read_and_named_as_what_it_is() {
    let model = default_policy().models[0].name.clone();
    let packed = write_body(&TaskBody::new(model, json!("hi")), Codec::MessagePack).unwrap();
    let new_id = || TaskId::new("fresh").unwrap();
    let (policy, asked) = (default_policy(), Asked::default());
    let bytes = Bytes::from(packed.clone());
    let admitted = admit(&policy, bytes, None, &asked, NOW, new_id, TERMS).unwrap();
    assert_eq!(
        admitted.original.header("Content-Type"),
        Some("application/msgpack")
    );
    assert_eq!(admitted.task.id.as_str(), "fresh");
    assert!(parse_body(admitted.original.header("Content-Type"), &packed).is_ok());
}

#[test]
fn an_address_that_is_spelled_out_is_taken_where_results_go_anywhere() {
    let taken = |reach| {
        let body = Bytes::from(body(r#", "callback_url": "http://127.0.0.1:8080/""#));
        let new_id = || TaskId::new("fresh").unwrap();
        let terms = Terms { reach, ..TERMS };
        let admitted = admit(
            &default_policy(),
            body,
            None,
            &Asked::default(),
            NOW,
            new_id,
            terms,
        );
        admitted.map(|admitted| admitted.task.facts.callback)
    };
    assert_eq!(
        taken(Reach::Anywhere).unwrap().as_deref(),
        Some("http://127.0.0.1:8080/")
    );
    assert_eq!(taken(Reach::Public).unwrap_err().code(), "bad_callback_url");
}

#[test]
fn a_task_that_starts_later_is_placed_as_of_then() {
    let run = |run_at: &str| {
        let more = format!(r#", "deadline": "2026-11-23T20:00:00Z", "run_at": "{run_at}""#);
        let admitted = admitted(&body(&more), &Asked::default()).unwrap();
        (admitted.run_at, admitted.task.enqueued_at, admitted.task.lane)
    };
    let hour = |hours: u64| NOW.plus_ms(hours * 3_600_000);
    // Two hours before the deadline core takes it.
    assert_eq!(
        run("2026-11-23T15:00:00Z"),
        (Some(hour(3)), hour(3), Lane::Normal)
    );
    assert_eq!(
        run("2026-11-23T18:30:00Z"),
        (Some(NOW.plus_ms(23_400_000)), NOW.plus_ms(23_400_000), Lane::Core)
    );
    assert_eq!(run("2026-11-23T12:00:00Z"), (None, NOW, Lane::Normal), "now");
    let asked = Asked {
        run_at: Some(hour(1)),
        ..Asked::default()
    };
    let later = admitted(&body(r#", "run_at": "2026-11-23T11:00:00Z""#), &asked).unwrap();
    assert_eq!(later.run_at, Some(hour(1)), "what is asked beside the body wins");
}
