//! What follows a failed execution: again, with everything the task brought, or a dead letter.

use std::sync::Arc;

use fairlane::broker::subject;
use fairlane::executor::simulate::Simulate;
use fairlane::task::{DeadReason, ErrorKind, Lane, State};
use fairlane::wire::read_history;

use crate::support::{Bare, Heard, Mesh, TWO_CLASSES};

async fn mesh_with_a_worker() -> Mesh {
    let mesh = Mesh::start(TWO_CLASSES).await;
    mesh.worker("w", 8, Arc::new(Simulate)).await;
    mesh
}

/// Attempt, hop and failures so far of the next publication of a task.
async fn next_hop(heard: &mut Heard) -> (String, String, usize) {
    let message = heard.next().await;
    let headers = message.headers.expect("ours have headers");
    let value = |name| headers.get(name).map_or("", |value| value.as_str()).to_owned();
    (value("Fl-Attempt"), value("Fl-Hop"), read_history(&headers).len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retryable_failure_is_tried_again_with_its_history_until_it_completes() {
    let mesh = mesh_with_a_worker().await;
    let mut lane = Bare::of(&mesh.server).await.hear("fl.task.>").await;
    mesh.submit("twice", "pay", r#"{"fail_attempts":2}"#)
        .await
        .unwrap();

    for (attempt, hop, failures) in [("0", "0", 0), ("1", "1", 1), ("2", "2", 2)] {
        assert_eq!(
            next_hop(&mut lane).await,
            (attempt.to_owned(), hop.to_owned(), failures)
        );
    }
    let record = mesh.result("twice").await.record;
    assert_eq!(
        (record.state, record.attempt, record.hop),
        (State::Completed, 2, 2)
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_fails_every_time_is_a_dead_letter_with_reason_history_and_its_very_bytes() {
    let mesh = mesh_with_a_worker().await;
    // White space and a field nobody knows must come through.
    let body = br#"{ "task_id":"doomed",  "model":"m","input":{"fail_attempts":9},"later":[1, 2] }"#;
    let accepted = Bare::of(&mesh.server).await.task(&body[..]).await;
    assert_eq!(accepted.sequence, 1);

    let record = mesh.result("doomed").await.record;
    let error = record.error.expect("it says why");
    assert_eq!(
        (record.state, error.kind.as_str()),
        (State::Dead, "attempts_exhausted")
    );
    let (letter, original) = mesh.dead_letter("doomed").await;
    assert_eq!(letter.reason, DeadReason::AttemptsExhausted);
    assert_eq!(original.body, &body[..]);
    let history: Vec<_> = letter
        .report
        .history
        .iter()
        .map(|h| (h.n, h.hop, h.kind))
        .collect();
    assert_eq!(
        history,
        [(1, 0, ErrorKind::Retryable), (2, 1, ErrorKind::Retryable)]
    );
    assert_eq!(
        (letter.report.task.attempt, letter.report.kind),
        (2, ErrorKind::Retryable)
    );
    assert!(letter.report.error.contains("because the task says so"));
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_failure_is_dead_at_once() {
    let mesh = mesh_with_a_worker().await;
    let input = r#"{"fail_rate":1,"fail_kind":"permanent"}"#;
    mesh.submit("broken", "pay", input).await.unwrap();

    let (letter, _) = mesh.dead_letter("broken").await;
    assert_eq!(
        (letter.reason, letter.report.task.attempt),
        (DeadReason::Permanent, 0)
    );
    assert_eq!(mesh.result("broken").await.record.state, State::Dead);
    assert_eq!(
        Bare::of(&mesh.server).await.stream("FL_CORE").await.last_sequence,
        1
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_hangs_is_tried_again_and_then_dead_with_the_reason_timeout() {
    let mesh = mesh_with_a_worker().await;
    let mut task = mesh.task("hangs", Lane::Core, "pay");
    task.facts.timeout_ms = Some(100);
    mesh.publish(&task, r#"{"hang_rate":1}"#).await.unwrap();

    let (letter, _) = mesh.dead_letter("hangs").await;
    assert_eq!(
        (letter.reason, letter.report.kind),
        (DeadReason::Timeout, ErrorKind::Timeout)
    );
    let history: Vec<_> = letter.report.history.iter().map(|h| h.kind).collect();
    assert_eq!(history, [ErrorKind::Timeout; 2]);
    assert!(letter.report.exec_ms >= 100, "{} ms", letter.report.exec_ms);
    assert_eq!(mesh.result("hangs").await.record.state, State::Dead);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_fail_twice_within_the_dedup_window_are_both_tried_again_twice() {
    let mesh = mesh_with_a_worker().await;
    for id in ["one", "two"] {
        mesh.submit(id, "pay", r#"{"fail_attempts":2}"#).await.unwrap();
    }
    for id in ["one", "two"] {
        let record = mesh.result(id).await.record;
        assert_eq!((record.state, record.attempt), (State::Completed, 2), "{id}");
    }
    let bare = Bare::of(&mesh.server).await;
    assert_eq!(bare.stream("FL_CORE").await.last_sequence, 6);
    // Four reports, each with its schedule, each fired.
    assert_eq!(bare.stream(subject::RETRY).await.last_sequence, 12);
    mesh.stop().await;
}
