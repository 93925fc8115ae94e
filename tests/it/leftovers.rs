//! What is left when somebody died, was frozen or sent too much: the next one finishes it.

use std::sync::Arc;

use fairlane::broker::publish::Original;
use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::task::{DeadReason, Lane, State, TaskId};

use crate::support::cli::{json, run};
use crate::support::{Bare, Mesh, PATIENCE, TWO_CLASSES};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_between_record_and_dead_letter_of_a_malformed_task_leaves_it_to_the_next() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let bare = Bare::of(&mesh.server).await;
    let record = [
        ("Fl-State", "dead"),
        ("Fl-Class", "pay"),
        ("Fl-Hop", "0"),
        ("Fl-Worker", "another"),
    ];
    let body = r#"{"task_id":"core-1","state":"dead","error":{"kind":"malformed","message":"x"}}"#;
    bare.publish("fl.result.core-1", &record, body).await.unwrap();
    bare.task("no task").await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let (letter, original) = mesh.dead_letter("core-1").await;
    assert_eq!(
        (letter.reason, &original.body[..]),
        (DeadReason::Malformed, &b"no task"[..])
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_headers_leave_no_room_for_a_report_ends_dead_without_them() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let bare = Bare::of(&mesh.server).await;
    let large = "x".repeat(65_400);
    for (id, body) in [
        ("core-1", "no task"),
        ("core-2", r#"{"model":"m","input":{"fail_rate":1}}"#),
    ] {
        let headers = [("X-Large", large.as_str())];
        bare.publish("fl.task.core.pay.m.0", &headers, body)
            .await
            .unwrap();
        let (_, original) = mesh.dead_letter(id).await;
        assert!(original.header("X-Large").is_none(), "{id} kept it");
        assert_eq!(mesh.result(id).await.record.state, State::Dead);
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_comes_after_a_later_hop_was_scheduled_does_not_take_its_timer() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let bare = Bare::of(&mesh.server).await;
    let mut later = mesh.task("t", Lane::Core, "pay");
    (later.hop, later.attempt) = (2, 2);
    let body = Original::new(bytes::Bytes::from_static(
        br#"{"task_id":"t","model":"m","input":1}"#,
    ));
    let due = clock::wall().plus_ms(3_600_000);
    mesh.broker.publish_at(&later, due, &body, &[]).await.unwrap();
    let report = [
        ("Fl-Task-Id", "t"),
        ("Fl-Shard", "0"),
        ("Fl-Error-Kind", "retryable"),
    ];
    let stale = bare
        .publish("fl.retry.report.core.pay.m", &report, body.body.clone())
        .await
        .unwrap();
    // One that is dealt with after it shows that it was dealt with.
    let permanent = [
        ("Fl-Task-Id", "u"),
        ("Fl-Shard", "0"),
        ("Fl-Error-Kind", "permanent"),
    ];
    bare.publish("fl.retry.report.core.pay.m", &permanent, body.body.clone())
        .await
        .unwrap();
    mesh.dead_letter("u").await;
    mesh.coordinator.stop(PATIENCE).await;
    let waiting = mesh.broker.waiting(&TaskId::new("t").unwrap()).await.unwrap();
    assert_eq!(waiting.map(|w| w.task.hop), Some(2));
    assert!(stale.sequence > 1);
    mesh.stop().await;
}

#[test]
fn the_benchmark_prints_its_figures_and_ends() {
    let output = run(&[
        "bench", "e2e", "--tasks", "100", "--pairs", "1", "--slots", "16", "--json",
    ]);
    assert!(output.status.success(), "{output:?}");
    let figures = json(&output);
    for (name, is_number) in [
        ("tasks_per_s", true),
        ("floor_tasks_per_s", true),
        ("ratio", true),
        ("publish_per_s", true),
        ("start_us_p50", true),
        ("start_us_p99", true),
        ("slots", true),
        ("sync_interval", false),
    ] {
        assert_eq!(figures[name].is_number(), is_number, "{name} of {figures}");
    }
    assert!(
        figures["tasks_per_s"].as_f64() > Some(0.0) && figures["slots"] == 16,
        "{figures}"
    );
}
