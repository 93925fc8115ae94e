//! Names, tokens, shards, consumers and message ids, for other languages to check against.

use expect_test::expect_file;
use serde_json::{Value, json};

use super::sample;
use crate::task::{DeadReason, ErrorKind, Lane, ModelName, ModelToken, Shard, TaskId, TenantId, fnv1a_64};
use crate::wire::{MessageKind, header, limit, message_id};

fn ids() -> Vec<Value> {
    let longest = "x".repeat(TaskId::MAX_LEN);
    let too_long = "x".repeat(TaskId::MAX_LEN + 1);
    [
        "task-001", "A_b-9", &longest, "", &too_long, "a.b", "a b", "a/b", "a*", "ä", "a\r\nb",
    ]
    .into_iter()
    .map(|text| json!({ "task_id": text, "legal": TaskId::new(text).is_ok() }))
    .collect()
}

fn tokens() -> Vec<Value> {
    [
        "AutoGLM-Large",
        "all-MiniLM-L6-v2",
        "BAAI/bge.m3",
        "BAAI/bge-m3",
        "gpt 4",
        "模型",
        "a.b",
        "a/b",
    ]
    .into_iter()
    .map(|name| json!({ "model": name, "token": ModelName::new(name).unwrap().token().as_str() }))
    .collect()
}

fn shards() -> Vec<Value> {
    let case = |(tenant, shards): (&str, u16)| {
        let shard = Shard::of(&TenantId::new(tenant).unwrap(), shards).to_string();
        let hash = format!("{:016x}", fnv1a_64(tenant.as_bytes()));
        json!({ "tenant": tenant, "fnv1a_64": hash, "shards": shards, "shard": shard })
    };
    [
        ("default", 1),
        ("default", 4),
        ("acme", 4),
        ("acme", 16),
        ("globex", 16),
        ("A", 16),
    ]
    .map(case)
    .into()
}

fn message_ids() -> Vec<Value> {
    use MessageKind as K;
    let id = sample::id("task-001");
    [
        (K::Task, 0),
        (K::Report, 0),
        (K::At, 1),
        (K::Task, 1),
        (K::Dead, 3),
        (K::Archive, 3),
        (K::Held, 3),
        (K::Callback, 3),
    ]
    .map(|(kind, hop)| json!(message_id(kind, &id, hop)))
    .into()
}

#[test]
fn names_come_out_as_in_every_other_language() {
    let bare = TaskId::of_publication(Lane::Core, 4711);
    let vectors = json!({
        "ids": ids(),
        "id_of_a_bare_publication": { "lane": "core", "sequence": 4711, "task_id": bare.as_str() },
        "tokens": tokens(),
        "shards": shards(),
        "message_ids": message_ids(),
    });
    let text = serde_json::to_string_pretty(&vectors).unwrap() + "\n";
    expect_file!["../../../tests/golden/wire/ids-tokens-shards.json"].assert_eq(&text);
}

#[test]
fn a_token_is_a_name_and_its_own_token() {
    for name in ["a", "BAAI/bge.m3", "模型"] {
        let token = ModelName::new(name).unwrap().token();
        assert_eq!(ModelToken::new(token.as_str()), Ok(token.clone()));
        assert_eq!(ModelName::from(&token).token(), token);
    }
}

#[test]
fn the_protocol_page_has_the_same_vectors_and_every_word() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/protocol.md");
    let page = std::fs::read_to_string(page).unwrap();
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let tokens = tokens()
        .into_iter()
        .map(|t| format!("| `{}` | `{}` |", text(&t, "model"), text(&t, "token")));
    let shards = shards().into_iter().map(|s| {
        let (tenant, hash, shard) = (text(&s, "tenant"), text(&s, "fnv1a_64"), text(&s, "shard"));
        format!("| `{tenant}` | `{hash}` | {} | `{shard}` |", s["shards"])
    });
    let headers = header::ALL.iter().map(|name| format!("`{name}"));
    let kinds = ErrorKind::ALL.iter().map(|kind| format!("`{kind}`"));
    let reasons = DeadReason::ALL.iter().map(|reason| format!("`{reason}`"));
    let limits = [
        (limit::CALLBACK_BYTES, "bytes, printable"),
        (limit::KEY_BYTES, "bytes |"),
        (limit::DEPENDS_ON, "ids |"),
        (limit::LABELS_BYTES, "bytes, written"),
        (limit::TRACEPARENT_BYTES, "bytes |"),
        (limit::ERROR_BYTES, "bytes before"),
        (limit::WORKER_BYTES, "bytes before"),
        (limit::HISTORY_LINES, "entries |"),
    ]
    .map(|(max, unit)| format!("| {max} {unit}"));
    for wanted in tokens
        .chain(shards)
        .chain(headers)
        .chain(kinds)
        .chain(reasons)
        .chain(limits)
    {
        assert!(page.contains(&wanted), "docs/protocol.md lacks {wanted}");
    }
}
