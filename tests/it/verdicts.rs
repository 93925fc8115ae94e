//! Verdicts that are given twice, late, or on a task that no worker can end.

use std::sync::Arc;

use fairlane::executor::simulate::Simulate;
use fairlane::executor::{Executor, Job, Outcome};
use fairlane::task::{DeadReason, State};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::{Answers, Bare, Mesh, PATIENCE, TWO_CLASSES};

const FAILS_ONCE: &str = r#"{"fail_attempts":1}"#;

#[tokio::test(flavor = "multi_thread")]
async fn two_coordinators_give_each_failure_one_retry() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let second = mesh.coordinator().await;
    mesh.worker("w", 8, Arc::new(Simulate)).await;
    mesh.submit_many("pay", 40, FAILS_ONCE).await;
    for n in 0..40 {
        let record = mesh.result(&format!("pay-{n}")).await.record;
        assert_eq!((record.state, record.attempt), (State::Completed, 1));
    }
    let lane = Bare::of(&mesh.server).await.stream("FL_CORE").await;
    assert_eq!(lane.last_sequence, 80);
    second.stop(PATIENCE).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_judged_twice_gives_one_retry() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let bare = Bare::of(&mesh.server).await;
    let mut reports = bare.hear("fl.retry.report.>").await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    mesh.submit("once", "pay", FAILS_ONCE).await.unwrap();
    let report = reports.next().await;
    // As if its ack had been lost: the same report again, under no message id that would be recognised.
    let mut headers = report.headers.expect("a report has headers");
    headers.insert("Nats-Msg-Id", "again");
    let again = bare
        .jetstream
        .publish_with_headers(report.subject, headers, report.payload);
    again.await.unwrap().await.unwrap();

    assert_eq!(mesh.result("once").await.record.state, State::Completed);
    // Both reports are judged when a third, from behind them, has had its retry.
    mesh.submit("behind", "pay", FAILS_ONCE).await.unwrap();
    assert_eq!(mesh.result("behind").await.record.state, State::Completed);
    assert_eq!(bare.stream("FL_CORE").await.last_sequence, 4);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_a_coordinator_waits_for_the_next_one() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.coordinator.stop(PATIENCE).await;
    let mut answers = Answers::on(&mesh.server).await;
    mesh.worker("w", 8, Arc::new(Simulate)).await;
    mesh.submit_many("pay", 20, FAILS_ONCE).await;
    // Every worker is done with every task, and nobody has judged any.
    answers.until("+ACK", 20).await;

    mesh.coordinator().await;
    for n in 0..20 {
        let record = mesh.result(&format!("pay-{n}")).await.record;
        assert_eq!((record.state, record.attempt), (State::Completed, 1));
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_class_or_model_is_a_dead_letter_with_the_reason_unroutable() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let bare = Bare::of(&mesh.server).await;
    let cases = [
        (
            "class",
            "fl.task.core.nobody.m.0",
            r#"{"task_id":"class","model":"m","input":1}"#,
        ),
        (
            "model",
            "fl.task.normal.pay.gpt.0",
            r#"{"task_id":"model","model":"gpt","input":1}"#,
        ),
    ];
    for (_, subject, body) in cases {
        bare.publish(subject, &[], body).await.unwrap();
    }
    for (id, subject, body) in cases {
        let (letter, original) = mesh.dead_letter(id).await;
        assert_eq!(letter.reason, DeadReason::Unroutable, "{id}");
        assert!(letter.report.error.contains(subject), "{}", letter.report.error);
        assert_eq!(original.body, body);
        let record = mesh.result(id).await.record;
        let error = record.error.expect("it says why");
        assert_eq!((record.state, error.kind.as_str()), (State::Dead, "unroutable"));
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_nobody_planned_for_gets_its_consumer_and_its_task_completes() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let body = r#"{"task_id":"far","model":"m","input":7}"#;
    let bare = Bare::of(&mesh.server).await;
    bare.publish("fl.task.core.pay.m.7", &[], body).await.unwrap();
    let record = mesh.result("far").await.record;
    assert_eq!((record.state, record.output), (State::Completed, json!(7)));
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_delivered_more_often_than_the_crash_limit_is_dead_as_poison_and_does_not_run() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.submit("poison", "pay", "1").await.unwrap();
    let bare = Bare::of(&mesh.server).await;
    let consumer = bare
        .jetstream
        .get_consumer_from_stream("pay=m=0", "FL_CORE")
        .await;
    let consumer: async_nats::jetstream::consumer::PullConsumer = consumer.unwrap();
    for _ in 0..mesh.policy.bounds.crash_limit {
        // What the server sees of a worker that takes the task and is gone.
        let taken = consumer.batch().max_messages(1).expires(PATIENCE);
        let mut taken = taken.messages().await.unwrap();
        let task = taken.next().await.expect("it is there").unwrap();
        task.ack_with(async_nats::jetstream::AckKind::Nak(None))
            .await
            .unwrap();
        bare.client.flush().await.unwrap();
    }
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    let (letter, _) = mesh.dead_letter("poison").await;
    assert_eq!((letter.reason, letter.report.delivered), (DeadReason::Poison, 6));
    assert_eq!(mesh.result("poison").await.record.state, State::Dead);
    mesh.stop().await;
}

/// Answers with more than a message can hold.
struct Huge;

impl Executor for Huge {
    fn execute<'a>(&'a self, _: &'a Job, _: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async {
            Outcome::Completed {
                output: "x".repeat(9 << 20).into(),
                usage: json!({}),
            }
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_larger_than_a_message_is_dead_with_the_reason_result_too_large() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.worker("w", 1, Arc::new(Huge)).await;
    mesh.submit("huge", "pay", "1").await.unwrap();
    let (letter, _) = mesh.dead_letter("huge").await;
    assert_eq!(letter.reason, DeadReason::ResultTooLarge);
    assert!(
        letter.report.error.contains("a body of 9437"),
        "{}",
        letter.report.error
    );
    assert_eq!(mesh.result("huge").await.record.state, State::Dead);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_gives_its_slot_back_for_ever_is_dead_at_the_hop_limit() {
    let mesh = Mesh::start(&format!("{TWO_CLASSES}bounds: {{ max_hops: 2 }}\n")).await;
    mesh.worker("w", 1, Arc::new(Simulate)).await;
    mesh.submit("restless", "pay", r#"{"fail_rate":1,"fail_kind":"yielded"}"#)
        .await
        .unwrap();
    let (letter, _) = mesh.dead_letter("restless").await;
    let task = letter.report.task;
    assert_eq!(
        (letter.reason, task.hop, task.attempt),
        (DeadReason::HopLimit, 2, 0)
    );
    mesh.stop().await;
}
