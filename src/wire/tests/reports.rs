//! Reports, dead letters and results of foreign workers that leave most out.

use serde_json::json;

use super::sample;
use crate::task::{DeadReason, EpochMs, ErrorKind, Shard, State};
use crate::wire::header::{self, Headers};
use crate::wire::*;

#[test]
fn a_report_of_a_foreign_worker_may_leave_out_all_but_the_task() {
    let mut headers = Headers::default();
    headers.set(header::TASK_ID, "task-001");
    let body = json!({"model": "BAAI/bge.m3", "input": 1, "tenant": "acme"}).to_string();
    let report = read_report(&sample::route(), &headers, body.as_bytes(), 9, EpochMs(5)).unwrap();
    assert_eq!(
        (report.task.id.as_str(), report.task.tenant.as_str()),
        ("task-001", "acme")
    );
    assert_eq!(
        (report.kind, report.error.as_str(), report.retry_after_ms),
        (ErrorKind::Retryable, "", None)
    );
    assert_eq!(
        (report.delivered, report.worker.as_str(), report.exec_ms),
        (1, "", 0)
    );
    assert_eq!(report.history, []);
}

#[test]
fn a_kind_of_a_later_version_and_broken_numbers_do_not_lose_a_report() {
    let mut headers = report_headers(&sample::report());
    for name in [
        header::ERROR_KIND,
        header::RETRY_AFTER,
        header::DELIVERED,
        header::EXEC_MS,
        header::HISTORY,
    ] {
        headers.set(name, "later");
    }
    let report = read_report(&sample::route(), &headers, b"", 9, EpochMs(5)).unwrap();
    assert_eq!(
        (report.kind, report.delivered, report.task),
        (ErrorKind::Retryable, 1, sample::task())
    );
}

#[test]
fn a_report_takes_its_shard_from_its_headers() {
    let mut route = sample::route();
    route.shard = Shard::Stable(0);
    let report = read_report(&route, &report_headers(&sample::report()), b"", 9, EpochMs(5)).unwrap();
    assert_eq!(report.task.shard, sample::task().shard);
}

#[test]
fn a_report_that_names_no_task_takes_no_other_tasks_name() {
    let told = read_report(&sample::route(), &Headers::default(), b"\xff", 9, EpochMs(5)).unwrap_err();
    assert_eq!(told.task_id.as_str(), "orphan-core-9");
}

#[test]
fn an_error_is_cut_to_512_bytes_at_a_character() {
    let report = Report {
        error: "é".repeat(400),
        ..sample::report()
    };
    let read = read_report(&sample::route(), &report_headers(&report), b"", 9, EpochMs(5)).unwrap();
    assert_eq!(read.error, "é".repeat(256));
}

#[test]
fn the_next_hop_carries_this_failure_too() {
    let history = sample::report().history_after(sample::NOON);
    assert_eq!(history[0], sample::history());
    let last = &history[1];
    assert_eq!(
        (last.n, last.hop, last.kind, last.ms),
        (2, 2, ErrorKind::RateLimited, 125)
    );
    assert_eq!(last.start, EpochMs(sample::NOON.0 - 125));
    let full = Report {
        history: vec![sample::history(); 16],
        ..sample::report()
    };
    assert_eq!(full.history_after(sample::NOON).len(), 16);
}

#[test]
fn a_dead_letter_without_its_route_or_reason_is_malformed_and_says_which() {
    let whole = dead_headers(&sample::report(), DeadReason::Poison);
    for missing in [
        header::REASON,
        header::LANE,
        header::CLASS,
        header::MODEL,
        header::SHARD,
    ] {
        let mut headers = Headers::default();
        for (name, value) in whole.iter().filter(|(name, _)| *name != missing) {
            headers.set(name.to_owned(), value);
        }
        let told = read_dead(&headers, b"", 9, EpochMs(5)).unwrap_err();
        assert_eq!(
            (told.task_id, told.what),
            (sample::task().id, format!("{missing}: missing"))
        );
    }
}

#[test]
fn a_foreign_result_needs_a_state_and_a_task() {
    let body = br#"{"task_id":"t","state":"completed","output":1}"#;
    let record = read_result(&Headers::default(), body).unwrap();
    assert_eq!(
        (record.state, record.output, record.class.as_str()),
        (State::Completed, json!(1), "unknown")
    );
    assert_eq!(record.usage, json!({}));
    let mut headers = Headers::default();
    headers.set(header::STATE, "cancelled");
    assert_eq!(
        read_result(&headers, body).unwrap().state,
        State::Cancelled,
        "headers win"
    );
    for bad in [
        &b""[..],
        b"{}",
        b"[]",
        br#"{"task_id":"t"}"#,
        br#"{"task_id":"a.b","state":"dead"}"#,
    ] {
        assert!(read_result(&Headers::default(), bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_fence_is_read_off_the_headers_alone() {
    let mut headers = Headers::default();
    assert_eq!(read_fence(&headers), None);
    headers.set(header::STATE, "melted");
    assert_eq!(read_fence(&headers), None);
    headers.set(header::STATE, "dead");
    assert_eq!(
        read_fence(&headers),
        Some(Fence {
            state: State::Dead,
            hop: 0,
            worker: None
        })
    );
}

#[test]
fn all_headers_together_stay_below_64_kib() {
    let mut report = sample::report();
    let facts = &mut report.task.facts;
    facts.callback = Some("x".repeat(2048));
    facts.concurrency_key = Some("\u{1}".repeat(256));
    facts.depends_on = vec![sample::id(&"x".repeat(128)); 64];
    facts.labels = [("k".to_owned(), "x".repeat(8192 - 8))].into();
    report.error = "\u{1}".repeat(512);
    let line = HistoryEntry {
        error: "\u{1}".repeat(128),
        worker: "\u{1}".repeat(128),
        ..sample::history()
    };
    report.history = vec![line; 16];
    let headers = dead_headers(&report, DeadReason::AttemptsExhausted);
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4)
        .sum();
    assert!(bytes < 60 * 1024, "{bytes}");
}
