//! Tasks that fail, each reported once and whole; the coordinator does the rest.

use fairlane::task::{DeadReason, State};
use serde_json::json;

use super::site::{Site, header, headers, number, parsed};
use super::worker::Kind;

pub(super) async fn a_failure_is_reported_whole_and_tried_again(kind: Kind) {
    let mut site = Site::open(kind).await;
    let mut reports = site.bare.hear("fl.retry.report.>").await;
    let worker = site.worker(1).await;
    let input = r#"{"service_ms":30,"fail_attempts":2,"fail_kind":"rate_limited","retry_after_ms":7}"#;
    let body = site
        .task("x", &[("Content-Type", "application/json")], input)
        .await;

    let report = reports.next().await;
    assert_eq!(report.subject.as_str(), "fl.retry.report.core.pay.m");
    assert_eq!(report.payload, body);
    let map = report.headers.expect("it has headers");
    assert_eq!(header(&map, "Nats-Msg-Id"), "report:x:0");
    let mut found = headers(&map);
    assert!(number(&mut found, "Fl-Exec-Ms") >= 29);
    for (name, value) in [
        ("Content-Type", "application/json"),
        ("Fl-Task-Id", "x"),
        ("Fl-Shard", "0"),
        ("Fl-Error-Kind", "rate_limited"),
        ("Fl-Error", "failed%20because%20the%20task%20says%20so"),
        ("Fl-Retry-After", "7"),
        ("Fl-Delivered", "1"),
        ("Fl-Worker", "gpu-9"),
    ] {
        assert_eq!(found.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(site.next_end().await.word, "+ACK");

    let again = reports.next().await;
    assert_eq!(again.payload, body);
    let again = again.headers.expect("it has headers");
    // Counted from the first enqueue, not from the report.
    assert_eq!(header(&again, "Fl-Enqueued-At"), found["Fl-Enqueued-At"]);
    assert_eq!(header(&again, "Nats-Msg-Id"), "report:x:1");
    let history = parsed(header(&again, "Fl-History").as_bytes());
    assert_eq!(
        (&history[0]["kind"], &history[0]["worker"]),
        (&json!("rate_limited"), &json!("gpu-9"))
    );
    let record = site.mesh.result("x").await.record;
    assert_eq!(
        (record.state, record.attempt, record.hop),
        (State::Completed, 2, 2)
    );
    site.close(worker).await;
}

pub(super) async fn a_permanent_failure_is_a_dead_letter(kind: Kind) {
    let site = Site::open(kind).await;
    let worker = site.worker(1).await;
    let body = site
        .task("p", &[], r#"{"fail_attempts":1,"fail_kind":"permanent"}"#)
        .await;
    let (letter, original) = site.mesh.dead_letter("p").await;
    assert_eq!(letter.reason, DeadReason::Permanent);
    assert_eq!(letter.report.error, "failed because the task says so");
    assert_eq!(original.body, body);
    site.close(worker).await;
}

pub(super) async fn what_only_the_body_says_survives_a_report(kind: Kind) {
    let site = Site::open(kind).await;
    let worker = site.worker(1).await;
    // Three of the four headers that would make the body not count; a report needs the fourth.
    let given = [("Fl-Version", "1"), ("Fl-Model", "m"), ("Fl-Tenant", "acme")];
    let body = r#"{"task_id":"b","model":"m","max_attempts":2,"input":{"fail_attempts":9}}"#;
    site.put(&given, body).await;
    let (letter, _) = site.mesh.dead_letter("b").await;
    assert_eq!(
        (letter.reason, letter.report.task.attempt),
        (DeadReason::AttemptsExhausted, 1)
    );
    assert_eq!(letter.report.task.tenant.as_str(), "acme");
    site.close(worker).await;
}

pub(super) async fn unknown_headers_travel_on_a_report_and_orders_to_the_server_do_not(kind: Kind) {
    let site = Site::open(kind).await;
    let mut reports = site.bare.hear("fl.retry.report.>").await;
    let worker = site.worker(1).await;
    let given = [
        ("X-Request", "a b,c"),
        ("Fl-Checkpoint", "12"),
        // An order that no other stream obeys.
        ("Nats-Expected-Stream", "FL_CORE"),
        ("Nats-Msg-Id", "task:u:0"),
    ];
    site.task("u", &given, r#"{"fail_attempts":1}"#).await;
    let report = reports.next().await.headers.expect("it has headers");
    assert_eq!(header(&report, "X-Request"), "a b,c");
    assert_eq!(header(&report, "Fl-Checkpoint"), "12");
    assert!(report.get("Nats-Expected-Stream").is_none());
    assert_eq!(site.mesh.result("u").await.record.attempt, 1);
    site.close(worker).await;
}

pub(super) async fn a_task_without_output_in_time_is_reported_and_its_slot_is_free(kind: Kind) {
    let site = Site::open(kind).await;
    let mut reports = site.bare.hear("fl.retry.report.>").await;
    let worker = site.worker(1).await;
    let body = r#"{"task_id":"t","model":"m","timeout_ms":300,"max_attempts":1,"input":{"hang_rate":1}}"#;
    site.put(&[], body).await;
    let mut report = headers(&reports.next().await.headers.expect("it has headers"));
    assert_eq!(report["Fl-Error-Kind"], "timeout");
    let took = number(&mut report, "Fl-Exec-Ms");
    assert!((300..20_000).contains(&took), "{took}");
    site.task("next", &[], "1").await;
    assert_eq!(site.mesh.result("next").await.record.state, State::Completed);
    assert_eq!(site.mesh.result("t").await.record.state, State::Dead);
    site.close(worker).await;
}

pub(super) async fn a_message_that_is_no_task_is_a_dead_letter(kind: Kind) {
    let mut site = Site::open(kind).await;
    let worker = site.worker(1).await;
    // The name it must get, or none for that of its place; headers; body.
    type Case<'a> = (Option<&'a str>, &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 6] = [
        (None, &[], "no JSON"),
        (None, &[], r#"{"model":"m","input":"#),
        (Some("no-model"), &[], r#"{"task_id":"no-model","input":1}"#),
        (Some("no-input"), &[], r#"{"task_id":"no-input","model":"m"}"#),
        (
            Some("other"),
            &[],
            r#"{"task_id":"other","model":"another","input":1}"#,
        ),
        (
            Some("header"),
            &[("Fl-Task-Id", "header"), ("Fl-Attempt", "one")],
            r#"{"task_id":"body","model":"m","input":1}"#,
        ),
    ];
    for (id, headers, body) in cases {
        let sequence = site.put(headers, body).await;
        let id = id.map_or_else(|| format!("core-{sequence}"), str::to_owned);
        let (letter, original) = site.mesh.dead_letter(&id).await;
        assert_eq!(letter.reason, DeadReason::Malformed, "{id}");
        assert_eq!(original.body, body, "{id}");
        let record = site.mesh.result(&id).await.record;
        let error = record.error.expect("it says why");
        assert_eq!(
            (record.state, error.kind.as_str()),
            (State::Dead, "malformed"),
            "{id}"
        );
        let end = site.next_end().await;
        assert!(["+ACK", "+TERM"].contains(&end.word.as_str()), "{id}: {end:?}");
        assert_eq!(end.sequence, sequence, "{id}");
    }
    site.close(worker).await;
}

pub(super) async fn a_task_past_the_crash_limit_is_reported_and_not_run(kind: Kind) {
    let mut site = Site::open(kind).await;
    site.task("poison", &[], "1").await;
    site.take_and_give_back(site.mesh.policy.bounds.crash_limit.into())
        .await;
    let worker = site.worker(1).await;
    let (letter, _) = site.mesh.dead_letter("poison").await;
    assert_eq!((letter.reason, letter.report.delivered), (DeadReason::Poison, 6));
    assert_eq!(site.mesh.result("poison").await.record.state, State::Dead);
    site.close(worker).await;
}

pub(super) async fn a_result_that_does_not_fit_is_a_dead_letter(kind: Kind) {
    let site = Site::open(kind).await;
    let worker = site.worker(1).await;
    // The largest body there may be: the record has the same in it, and more around it.
    let (head, tail) = (r#"{"task_id":"big","model":"m","input":""#, r#""}"#);
    let room = site.bare.client.server_info().max_payload - 65_536;
    let filler = "x".repeat(room - head.len() - tail.len());
    site.put(&[], format!("{head}{filler}{tail}")).await;
    let (letter, _) = site.mesh.dead_letter("big").await;
    assert_eq!(letter.reason, DeadReason::ResultTooLarge);
    site.close(worker).await;
}
