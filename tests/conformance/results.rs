//! Tasks that succeed: their records, the slots they take, the leases that are kept.

use std::collections::{BTreeMap, BTreeSet};

use fairlane::clock;
use serde_json::json;

use super::site::{LONG, Site, headers, number, parsed};
use super::worker::Kind;

pub(super) async fn the_record_is_as_the_protocol_says(kind: Kind) {
    let mut site = Site::open(kind).await;
    let worker = site.worker(1).await;
    let enqueued = (clock::wall().0 - 5000).to_string();
    let given = [
        ("Fl-Version", "1"),
        ("Fl-Task-Id", "r-1"),
        ("Fl-Model", "m"),
        ("Fl-Tenant", "acme"),
        ("Fl-Hop", "3"),
        ("Fl-Attempt", "1"),
        ("Fl-Enqueued-At", enqueued.as_str()),
    ];
    // The headers are complete: what the body says beside them does not count.
    let body = r#"{"model":"m","tenant":"globex","input":[1,"é",null]}"#;
    site.put(&given, body).await;

    let record = site.bare.first("FL_RESULTS", "fl.result.r-1").await;
    let mut found = headers(record.headers.as_ref().expect("it has headers"));
    let (queued, exec) = (
        number(&mut found, "Fl-Queued-Ms"),
        number(&mut found, "Fl-Exec-Ms"),
    );
    assert!(queued >= 5000, "{queued}");
    let expected = [
        ("Content-Type", "application/json"),
        ("Fl-Attempt", "1"),
        ("Fl-Class", "pay"),
        ("Fl-Hop", "3"),
        ("Fl-State", "completed"),
        ("Fl-Tenant", "acme"),
        ("Fl-Version", "1"),
        ("Fl-Worker", "gpu-9"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(found, BTreeMap::from(expected));

    let mut body = parsed(&record.payload);
    let usage = body["usage"].take();
    assert!(usage.is_object(), "{usage}");
    let expected = json!({ "task_id": "r-1", "state": "completed", "output": [1, "é", null], "usage": null,
        "error": null, "worker": "gpu-9", "attempt": 1, "queued_ms": queued, "exec_ms": exec });
    assert_eq!(body, expected);
    assert_eq!(site.next_end().await.word, "+ACK");
    site.close(worker).await;
}

pub(super) async fn a_task_without_any_header_or_id_is_named_after_its_place(kind: Kind) {
    let site = Site::open(kind).await;
    let worker = site.worker(1).await;
    let sequence = site.put(&[], r#"{"model":"m","input":"hello"}"#).await;
    let record = site.mesh.result(&format!("core-{sequence}")).await.record;
    assert_eq!(
        (record.output, record.tenant.as_str()),
        (json!("hello"), "default")
    );
    site.close(worker).await;
}

pub(super) async fn no_more_tasks_run_than_there_are_slots(kind: Kind) {
    let site = Site::open(kind).await;
    let enqueued = clock::wall().0;
    for n in 0..8 {
        let header = ("Fl-Enqueued-At", enqueued.to_string());
        site.task(
            &format!("s-{n}"),
            &[(header.0, &header.1)],
            r#"{"service_ms":250}"#,
        )
        .await;
    }
    let worker = site.worker(2).await;
    let mut spans = Vec::new();
    for n in 0..8 {
        let record = site.mesh.result(&format!("s-{n}")).await.record;
        assert!(record.exec_ms >= 240, "{}", record.exec_ms);
        spans.push((record.queued_ms, record.queued_ms + record.exec_ms));
    }
    // Both ends are rounded, so only what overlaps by more than that counts.
    let overlaps = |at: u64| {
        spans
            .iter()
            .filter(|(from, to)| *from <= at && at + 5 < *to)
            .count()
    };
    let most = spans.iter().map(|(from, _)| overlaps(*from)).max();
    assert_eq!(most, Some(2), "{spans:?}");
    site.close(worker).await;
}

pub(super) async fn a_task_longer_than_its_lease_is_delivered_once(kind: Kind) {
    let mut site = Site::open(kind).await;
    let worker = site.worker(2).await;
    site.task("h", &[], LONG).await;
    let said = site.answers.until("+ACK", 1).await;
    assert!(
        said.len() > 4,
        "a sign of life every third of the lease: {said:?}"
    );
    assert!(said.iter().all(|answer| answer.deliveries == 1), "{said:?}");
    assert_eq!(site.mesh.result("h").await.record.attempt, 0);
    site.close(worker).await;
}

pub(super) async fn what_arrives_without_a_free_slot_is_handed_back(kind: Kind) {
    let mut site = Site::open(kind).await;
    let mut pulls = site.bare.hear("$JS.API.CONSUMER.MSG.NEXT.FL_CORE.>").await;
    // With more to come, a worker asks in another way than when it waits for anything at all.
    site.task("first", &[], "1").await;
    site.task("runs", &[], LONG).await;
    let worker = site.worker(1).await;
    // The inboxes the worker pulled with until it had both.
    let mut inboxes = BTreeSet::new();
    let running = site.answers.until("+WPI", 1);
    let pulled = async {
        loop {
            inboxes.extend(pulls.next().await.reply);
        }
    };
    tokio::select! { _ = running => (), () = pulled => () }
    assert!(!inboxes.is_empty());
    // As if the server had answered one of those pulls late.
    site.task("late", &[], "1").await;
    for inbox in inboxes {
        let next = "$JS.API.CONSUMER.MSG.NEXT.FL_CORE.pay=m=0";
        let pull =
            site.bare
                .client
                .publish_with_reply(next, inbox, r#"{"batch":1,"expires":1000000000}"#.into());
        pull.await.expect("NATS takes it");
    }
    let end = site.next_end().await;
    assert_eq!((end.word.as_str(), end.sequence, end.deliveries), ("-NAK", 3, 1));
    for id in ["runs", "late"] {
        assert_eq!(site.mesh.result(id).await.record.attempt, 0);
    }
    site.close(worker).await;
}
