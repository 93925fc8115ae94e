//! One task, report and result with every field in use, for golden files and tests.

use std::collections::BTreeMap;

use serde_json::json;

use crate::task::{
    ClassName, EpochMs, ErrorKind, Lane, ModelName, Route, Shard, State, Task, TaskFacts, TaskId, TenantId,
};
use crate::wire::{HistoryEntry, Report, ResultRecord, TaskBody};

/// 2026-11-23T12:00:00Z.
pub(in crate::wire) const NOON: EpochMs = EpochMs(1_795_435_200_000);

pub(in crate::wire) fn id(text: &str) -> TaskId {
    TaskId::new(text).unwrap()
}

pub(in crate::wire) fn model() -> ModelName {
    ModelName::new("BAAI/bge.m3").unwrap()
}

fn labels() -> BTreeMap<String, String> {
    [("trace", "a b"), ("stadt", "Köln")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into()
}

pub(in crate::wire) fn route() -> Route {
    Route::of(&task())
}

pub(in crate::wire) fn body() -> TaskBody {
    TaskBody {
        task_id: Some(id("task-001")),
        priority: Some(1),
        class: Some(ClassName::new("payment_processing").unwrap()),
        tenant: Some(TenantId::new("acme").unwrap()),
        deadline: Some(NOON),
        urgency_score: Some(7.0),
        business_weight: Some(8.5),
        callback_url: Some("https://client.example.com/result".to_owned()),
        depends_on: vec![id("task-000"), id("task-00a")],
        concurrency_key: Some("customer 42".to_owned()),
        timeout_ms: Some(3000),
        max_attempts: Some(3),
        run_at: Some(EpochMs(NOON.0 - 3_600_000 + 250)),
        labels: labels(),
        ..TaskBody::new(
            model(),
            json!({"text": "größer als 3 €?", "k": [1, -2, 0.5, null, true]}),
        )
    }
}

pub(in crate::wire) fn task() -> Task {
    Task {
        id: id("task-001"),
        lane: Lane::Core,
        class: ClassName::new("payment_processing").unwrap(),
        model: model(),
        shard: Shard::Stable(3),
        tenant: TenantId::new("acme").unwrap(),
        attempt: 1,
        hop: 2,
        enqueued_at: EpochMs(NOON.0 - 60_000),
        fence: 0,
        facts: TaskFacts {
            deadline: Some(NOON),
            priority: Some(1),
            cost: Some(12.5),
            max_attempts: Some(3),
            timeout_ms: Some(3000),
            callback: Some("https://client.example.com/result".to_owned()),
            depends_on: vec![id("task-000"), id("task-00a")],
            concurrency_key: Some("customer 42".to_owned()),
            labels: labels(),
            policy: Some(17),
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        },
    }
}

pub(in crate::wire) fn history() -> HistoryEntry {
    HistoryEntry {
        n: 1,
        hop: 0,
        lane: Some(Lane::Core),
        worker: "gpu-7".to_owned(),
        start: EpochMs(NOON.0 - 50_000),
        ms: 800,
        kind: ErrorKind::Timeout,
        error: "no output within 3000 ms".to_owned(),
    }
}

pub(in crate::wire) fn report() -> Report {
    Report {
        task: task(),
        kind: ErrorKind::RateLimited,
        error: "429: „zu viele“, wait\r\n30 s".to_owned(),
        retry_after_ms: Some(30_000),
        delivered: 2,
        worker: "gpu 9".to_owned(),
        exec_ms: 125,
        history: vec![history()],
    }
}

pub(in crate::wire) fn result() -> ResultRecord {
    ResultRecord {
        policy: None,
        task_id: id("task-001"),
        state: State::Completed,
        hop: 2,
        attempt: 1,
        class: ClassName::new("payment_processing").unwrap(),
        tenant: TenantId::new("acme").unwrap(),
        worker: "gpu 9".to_owned(),
        queued_ms: 59_000,
        exec_ms: 125,
        output: json!({"embedding": [0.25, -1.5]}),
        usage: json!({"input_tokens": 12}),
        error: None,
    }
}
