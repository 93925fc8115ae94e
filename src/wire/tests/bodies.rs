//! Bodies: what is read, what is refused and with which words.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::sample;
use crate::wire::{BodyError, Codec, TaskBody, parse_body, write_body};

fn message_pack(value: &Value) -> Vec<u8> {
    rmp_serde::to_vec_named(value).unwrap()
}

fn refused(body: &[u8]) -> String {
    parse_body(None, body).unwrap_err().to_string()
}

#[test]
fn two_fields_are_enough_and_unknown_ones_are_passed_over() {
    let bare = json!({"model": "BAAI/bge.m3", "input": "hi"});
    let more = json!({"x": {"y": [1]}, "input": "hi", "model": "BAAI/bge.m3", "labels": null, "task_id": null, "depends_on": null});
    for value in [bare, more] {
        let expected = TaskBody::new(sample::model(), json!("hi"));
        assert_eq!(parse_body(None, value.to_string().as_bytes()).unwrap(), expected);
        assert_eq!(parse_body(None, &message_pack(&value)).unwrap(), expected);
    }
}

#[test]
fn the_content_type_says_the_codec_and_else_the_first_byte() {
    let cases: [(Option<&str>, &[u8], Codec); 9] = [
        (Some("application/json"), b"\x80", Codec::Json),
        (Some("Application/JSON; charset=utf-8"), b"\x80", Codec::Json),
        (Some("application/msgpack"), b"{", Codec::MessagePack),
        (Some("application/x-msgpack"), b"{", Codec::MessagePack),
        (Some("text/plain"), b"{", Codec::Json),
        (None, b"{}", Codec::Json),
        (None, b" \r\n{}", Codec::Json),
        (None, b"\x80", Codec::MessagePack),
        (None, b"", Codec::MessagePack),
    ];
    for (content_type, body, codec) in cases {
        assert_eq!(Codec::of(content_type, body), codec, "{content_type:?} {body:?}");
    }
}

fn check(field: &str, value: Value, json_says: Expect) {
    let mut body = json!({"model": "m", "input": "x"});
    body[field] = value;
    json_says.assert_eq(&refused(body.to_string().as_bytes()));
    let told = refused(&message_pack(&body));
    assert!(
        told.starts_with(&format!("TaskBody.{field}: ")) && told.contains(" at byte "),
        "{told}"
    );
}

#[test]
fn a_refusal_names_the_field_and_the_place() {
    check(
        "priority",
        json!("high"),
        expect![[r#"TaskBody.priority: invalid type: string "high", expected u32 at line 1 column 42"#]],
    );
    check(
        "priority",
        json!(-1),
        expect!["TaskBody.priority: invalid value: integer `-1`, expected u32 at line 1 column 38"],
    );
    check(
        "task_id",
        json!("a.b"),
        expect![
            "TaskBody.task_id: task_id has '.' at byte 1; only A-Z a-z 0-9 _ - are allowed at line 1 column 41"
        ],
    );
    check(
        "model",
        json!(""),
        expect!["TaskBody.model: model is empty; give 1 to 160 of A-Z a-z 0-9 _ - at line 1 column 11"],
    );
    check(
        "model",
        json!(null),
        expect!["TaskBody.model: missing at line 1 column 26"],
    );
    check(
        "tenant",
        json!(3),
        expect!["TaskBody.tenant: invalid type: integer `3`, expected a string at line 1 column 35"],
    );
    check(
        "deadline",
        json!(1795435200),
        expect![
            "TaskBody.deadline: invalid type: integer `1795435200`, expected a string at line 1 column 46"
        ],
    );
    check(
        "deadline",
        json!("tomorrow"),
        expect![[
            r#"TaskBody.deadline: "tomorrow" is no RFC 3339 time such as 2026-11-23T12:00:00Z at line 1 column 47"#
        ]],
    );
}

#[test]
fn a_refusal_names_the_field_and_the_place_of_names_and_times() {
    check(
        "callback_url",
        json!("https://a\r\nFl-State: dead"),
        expect![[
            r#"TaskBody.callback_url: '\r' at byte 9; a URL has printable ASCII only, percent-encode the rest at line 1 column 70"#
        ]],
    );
    check(
        "callback_url",
        json!("https://é"),
        expect![
            "TaskBody.callback_url: 'é' at byte 8; a URL has printable ASCII only, percent-encode the rest at line 1 column 53"
        ],
    );
    check(
        "callback_url",
        json!("x".repeat(2049)),
        expect!["TaskBody.callback_url: 2049 bytes; at most 2048 are allowed at line 1 column 2092"],
    );
    check(
        "concurrency_key",
        json!("x".repeat(257)),
        expect!["TaskBody.concurrency_key: 257 bytes; at most 256 are allowed at line 1 column 303"],
    );
    check(
        "depends_on",
        json!(["a b"]),
        expect![
            "TaskBody.depends_on: task_id has ' ' at byte 1; only A-Z a-z 0-9 _ - are allowed at line 1 column 46"
        ],
    );
    check(
        "depends_on",
        json!(vec!["a"; 65]),
        expect!["TaskBody.depends_on: 65 entries; at most 64 are allowed at line 1 column 300"],
    );
    check(
        "labels",
        json!({"a": 1}),
        expect!["TaskBody.labels: invalid type: integer `1`, expected a string at line 1 column 40"],
    );
    check(
        "labels",
        json!({"a": "é".repeat(2000)}),
        expect!["TaskBody.labels: 12008 bytes; at most 8192 are allowed at line 1 column 4043"],
    );
}

#[test]
fn what_is_no_map_of_named_fields_is_refused() {
    for (body, says) in [
        (&b""[..], "the body is no MessagePack map of named fields"),
        (b"hello", "the body is no MessagePack map of named fields"),
        (
            b"\x92\xa1m\xa1x",
            "the body is no MessagePack map of named fields",
        ),
        (b"{}", "TaskBody.model: missing at line 1 column 2"),
        (
            b"{\"model\":\"m\"}",
            "TaskBody.input: missing at line 1 column 13",
        ),
        (
            b"{\"model\":\"m\",\"input\":1} x",
            "trailing characters at line 1 column 25",
        ),
        (
            b"{\"model\":\"m\",\"model\":\"n\",\"input\":1}",
            "TaskBody: Model is given twice at line 1 column 20",
        ),
        (b"\x82\xa5model\xa1m\xa5input\x01\x00", "1 bytes follow the task"),
    ] {
        assert_eq!(refused(body), says, "{body:?}");
    }
    let told = parse_body(Some("application/json"), b"[\"m\",1]")
        .unwrap_err()
        .to_string();
    assert_eq!(told, "the body is no JSON map of named fields");
}

#[test]
fn a_bomb_is_an_error_and_not_a_crash() {
    let deep = |open: &str, close: &str| {
        format!(
            r#"{{"model":"m","input":{}1{}}}"#,
            open.repeat(100_000),
            close.repeat(100_000)
        )
    };
    assert!(parse_body(None, deep("[", "]").as_bytes()).is_err());
    assert!(parse_body(None, deep("{\"a\":", "}").as_bytes()).is_err());
    for open in [
        &b"\x91"[..],
        b"\x81\xa1a",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff\xa1a",
    ] {
        let start = b"\x82\xa5model\xa1m\xa5input".to_vec();
        let body = [start, open.repeat(100_000)].concat();
        assert!(matches!(
            parse_body(None, &body),
            Err(BodyError::MessagePack { .. })
        ));
        let unknown = [b"\x83\xa1?".to_vec(), open.repeat(100_000)].concat();
        assert!(matches!(
            parse_body(None, &unknown),
            Err(BodyError::MessagePack { .. })
        ));
    }
    for claim in [
        &b"\xdb\xff\xff\xff\xff"[..],
        b"\xc6\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
    ] {
        let body = [&b"\x82\xa5model\xa1m\xa5input"[..], claim].concat();
        assert!(parse_body(None, &body).is_err());
        let ids = [&b"\x83\xaadepends_on"[..], claim].concat();
        assert!(parse_body(None, &ids).is_err());
    }
}

#[test]
fn input_as_deep_as_allowed_travels_in_both_codecs() {
    let mut input = json!(1);
    for _ in 0..120 {
        input = json!([input]);
    }
    let body = TaskBody::new(sample::model(), input);
    for codec in [Codec::Json, Codec::MessagePack] {
        let bytes = write_body(&body, codec).unwrap();
        assert_eq!(parse_body(Some(codec.content_type()), &bytes).unwrap(), body);
    }
}
