//! The files, and the plans that follow from them.

use expect_test::{Expect, expect, expect_file};
use serde_json::{Value, json};

use super::plan::{Change, plan};
use super::spec::{StreamSpec, desired};
use crate::broker::subject;
use crate::task::Lane;

fn spec(config: Value) -> StreamSpec {
    StreamSpec::new(config).unwrap()
}

/// One stream, wanted and actual, and the plan in short.
fn check(wanted: Value, actual: Value, expected: &Expect) {
    let (mut wanted, mut actual) = (wanted, actual);
    wanted["name"] = json!("FL_X");
    actual["name"] = json!("FL_X");
    let plan = plan(&[spec(wanted)], &[spec(actual)]);
    let text = match &plan.entries[0].change {
        Change::Update { fields, config } => {
            let fields: Vec<String> = fields
                .iter()
                .map(|f| format!("{}: {} -> {}", f.field, f.from, f.to))
                .collect();
            format!(
                "update {} sends {}",
                fields.join(", "),
                Value::Object(config.clone())
            )
        }
        Change::Immutable { fields } => {
            let fields: Vec<String> = fields
                .iter()
                .map(|f| format!("{}: {} -> {}", f.field, f.from, f.to))
                .collect();
            format!("immutable {}", fields.join(", "))
        }
        other => format!("{other:?}").to_lowercase(),
    };
    expected.assert_eq(&text);
}

#[test]
fn the_files_parse_and_are_named_as_the_code_names_them() {
    let specs = desired();
    let names: Vec<&str> = specs.iter().map(StreamSpec::name).collect();
    let lanes = [Lane::Core, Lane::Normal].map(subject::lane_stream);
    assert_eq!(
        names,
        [
            lanes[0],
            lanes[1],
            subject::RETRY,
            subject::RESULTS,
            subject::DEAD,
            subject::CALLBACKS,
            subject::ARCHIVE,
            subject::HELD,
            subject::EVENTS,
            subject::ADVISORIES,
            subject::RECORDS,
            subject::CONTROL,
            subject::REGISTRY,
            subject::POLICIES,
        ]
    );
}

#[test]
fn every_lane_has_a_stream_that_takes_its_tasks() {
    for lane in [Lane::Core, Lane::Normal] {
        let specs = desired();
        let stream = specs
            .iter()
            .find(|spec| spec.name() == subject::lane_stream(lane))
            .unwrap();
        assert_eq!(stream.config()["subjects"], json!([subject::lane_tasks(lane)]));
    }
}

#[test]
fn no_subject_belongs_to_two_streams() {
    let specs = desired();
    let subjects: Vec<&str> = specs
        .iter()
        .flat_map(|spec| spec.config()["subjects"].as_array().unwrap())
        .map(|subject| subject.as_str().unwrap())
        .collect();
    for (at, a) in subjects.iter().enumerate() {
        for b in &subjects[at + 1..] {
            assert!(!overlap(a, b), "{a} and {b}");
        }
    }
    assert!(overlap("fl.a.*", "fl.*.b") && overlap("fl.>", "fl.a.b") && !overlap("fl.a", "fl.a.*"));
}

fn overlap(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(">"), Some(_)) | (Some(_), Some(">")) => return true,
            (Some(x), Some(y)) if x == y || x == "*" || y == "*" => (),
            _ => return false,
        }
    }
}

#[test]
fn an_empty_server_gets_every_file_as_it_is() {
    let plan = plan(&desired(), &[]);
    let sent: Vec<Value> = plan
        .entries
        .iter()
        .map(|entry| match &entry.change {
            Change::Create { config } => json!({ "create": config }),
            other => panic!("{other:?}"),
        })
        .collect();
    let text = serde_json::to_string_pretty(&sent).unwrap() + "\n";
    expect_file!["../../../tests/golden/streams.json"].assert_eq(&text);
}

#[test]
fn the_streams_as_they_are_described_leave_nothing_to_do() {
    let plan = plan(&desired(), &desired());
    assert!(plan.is_settled());
    assert!(plan.entries.iter().all(|entry| entry.change == Change::Unchanged));
}

#[test]
fn what_the_server_adds_or_leaves_out_is_no_difference() {
    let unchanged = expect!["unchanged"];
    check(
        json!({"max_age": 5}),
        json!({"max_age": 5, "sealed": false}),
        &unchanged,
    );
    check(
        json!({"metadata": {"a": "b"}}),
        json!({"metadata": {"a": "b", "_nats.ver": "2"}}),
        &unchanged,
    );
    check(
        json!({"allow_msg_ttl": false, "max_age": 0, "sources": []}),
        json!({}),
        &unchanged,
    );
    check(
        json!({"subjects": ["a", "b"]}),
        json!({"subjects": ["b", "a"]}),
        &unchanged,
    );
    check(json!({"num_replicas": 1}), json!({"num_replicas": 3}), &unchanged);
}

#[test]
fn an_update_sends_back_what_the_file_does_not_name() {
    check(
        json!({"num_replicas": 1, "max_msgs": 9}),
        json!({"num_replicas": 3, "max_msgs": 5, "compression": "s2"}),
        &expect![[
            r#"update max_msgs: 5 -> 9 sends {"num_replicas":3,"max_msgs":9,"compression":"s2","name":"FL_X"}"#
        ]],
    );
    check(
        json!({"metadata": {"a": "new"}}),
        json!({"metadata": {"a": "b", "c": "d"}}),
        &expect![[
            r#"update metadata: {"a":"b","c":"d"} -> {"a":"new"} sends {"metadata":{"a":"new","c":"d"},"name":"FL_X"}"#
        ]],
    );
    check(
        json!({"num_replicas": 3}),
        json!({"num_replicas": 1}),
        &expect![[r#"update num_replicas: 1 -> 3 sends {"num_replicas":3,"name":"FL_X"}"#]],
    );
    check(
        json!({"subjects": ["a"]}),
        json!({"subjects": ["a", "b"]}),
        &expect![[r#"update subjects: ["a","b"] -> ["a"] sends {"subjects":["a"],"name":"FL_X"}"#]],
    );
    check(
        json!({"allow_msg_ttl": true}),
        json!({}),
        &expect![[r#"update allow_msg_ttl: null -> true sends {"name":"FL_X","allow_msg_ttl":true}"#]],
    );
}

#[test]
fn what_a_live_stream_cannot_become_is_no_update() {
    check(
        json!({"storage": "file"}),
        json!({"storage": "memory"}),
        &expect![[r#"immutable storage: "memory" -> "file""#]],
    );
    check(
        json!({"retention": "workqueue", "max_msgs": 9}),
        json!({"retention": "limits", "max_msgs": 5}),
        &expect![[r#"immutable retention: "limits" -> "workqueue""#]],
    );
    check(
        json!({"allow_msg_schedules": false}),
        json!({"allow_msg_schedules": true}),
        &expect!["immutable allow_msg_schedules: true -> false"],
    );
    check(
        json!({"mirror": {"name": "A"}}),
        json!({}),
        &expect![[r#"immutable mirror: null -> {"name":"A"}"#]],
    );
}

#[test]
fn a_stream_of_ours_that_no_file_describes_is_an_extra_and_others_are_not_looked_at() {
    let actual = [
        spec(json!({"name": "FL_OLD"})),
        spec(json!({"name": "ORDERS"})),
        spec(json!({"name": "KV_flat"})),
    ];
    let plan = plan(&[], &actual);
    assert!(plan.is_settled());
    expect![[r#"
        [
            Entry {
                stream: "FL_OLD",
                change: Extra,
            },
        ]
    "#]]
    .assert_debug_eq(&plan.entries);
}
