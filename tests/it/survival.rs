//! Workers that are killed, stopped, frozen and asked to go: no task is lost, none counts twice.

use std::time::Duration;

use fairlane::broker::subject;
use fairlane::task::DeadReason;
use nix::sys::signal::Signal;

use crate::support::{Answer, Answers, Bare, Mesh, Probe, Role, TWO_CLASSES};

/// A task that is still running when the test has done what it does.
const LONG: &str = r#"{"service_ms":60000}"#;

async fn worker(mesh: &Mesh, slots: u32) -> Role {
    Role::worker(mesh.server.url(), "away", slots, TWO_CLASSES).await
}

/// Fence records that were ever written.
async fn records(mesh: &Mesh) -> u64 {
    let results = Bare::of(&mesh.server).await.stream(subject::RESULTS).await;
    results.last_sequence
}

fn of_word<'a>(said: &'a [Answer], word: &str) -> Vec<&'a Answer> {
    said.iter().filter(|answer| answer.word == word).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_tasks_in_flight_at_a_sigkill_all_complete_with_one_record_each() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let away = worker(&mesh, 50).await;
    let mut answers = Answers::on(&mesh.server).await;
    mesh.submit_many("pay", 50, LONG).await;
    // A sign of life about each of them: all are in flight.
    answers.until("+WPI", 50).await;

    away.signal(Signal::SIGKILL);
    let (status, _) = away.ended().await;
    assert!(status.code().is_none(), "{status}");
    let (probe, _starts) = Probe::timed(Duration::ZERO);
    mesh.worker("next", 50, probe).await;

    for n in 0..50 {
        let stored = mesh.result(&format!("pay-{n}")).await;
        assert_eq!(stored.record.worker, "next");
    }
    assert_eq!(records(&mesh).await, 50);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sigterm_ends_a_worker_with_0_and_starts_no_task_twice() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let away = worker(&mesh, 10).await;
    let mut answers = Answers::on(&mesh.server).await;
    mesh.submit_many("pay", 40, r#"{"service_ms":700}"#).await;
    answers.until("+WPI", 10).await;

    away.signal(Signal::SIGTERM);
    let (probe, mut starts) = Probe::timed(Duration::ZERO);
    mesh.worker("next", 10, probe).await;
    let (status, log) = away.ended().await;
    assert!(status.success(), "{status}\n{log}");

    // Every start that was not cut short ends with an ack, and nothing was cut short.
    let said = answers.until("+ACK", 40).await;
    assert_eq!(of_word(&said, "+ACK").len(), 40);
    let mut by_worker = [0, 0];
    for n in 0..40 {
        let stored = mesh.result(&format!("pay-{n}")).await;
        by_worker[usize::from(stored.record.worker == "next")] += 1;
        assert_eq!(stored.record.attempt, 0);
    }
    assert!(by_worker[0] >= 10, "{by_worker:?}");
    starts.close();
    let mut started = 0;
    while starts.recv().await.is_some() {
        started += 1;
    }
    assert_eq!(
        started, by_worker[1],
        "a start of the second worker came to nothing"
    );
    assert_eq!(records(&mesh).await, 40);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_frozen_beyond_ack_wait_leaves_one_record_per_task_and_no_error() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let away = worker(&mesh, 8).await;
    let mut answers = Answers::on(&mesh.server).await;
    mesh.submit_many("pay", 8, r#"{"service_ms":2500}"#).await;
    answers.until("+WPI", 8).await;

    away.signal(Signal::SIGSTOP);
    let (probe, _starts) = Probe::timed(Duration::ZERO);
    mesh.worker("next", 8, probe).await;
    for n in 0..8 {
        assert_eq!(mesh.result(&format!("pay-{n}")).await.record.worker, "next");
    }
    answers.until("+ACK", 8).await;
    away.signal(Signal::SIGCONT);
    // The frozen worker ends its tasks too, finds the records and gives way.
    let said = answers.until("+ACK", 8).await;
    assert!(of_word(&said, "+ACK").iter().all(|answer| answer.deliveries == 1));
    away.signal(Signal::SIGTERM);
    let (status, log) = away.ended().await;

    assert!(status.success(), "{status}\n{log}");
    assert!(!log.contains("ERROR") && !log.contains("panicked"), "{log}");
    assert_eq!(records(&mesh).await, 8);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_wakes_up_after_its_task_was_dead_lettered_changes_nothing() {
    let strict = format!("{TWO_CLASSES}bounds: {{ crash_limit: 1 }}\n");
    let mesh = Mesh::start(&strict).await;
    let away = Role::worker(mesh.server.url(), "away", 1, &strict).await;
    let mut answers = Answers::on(&mesh.server).await;
    let input = r#"{"service_ms":2500}"#;
    mesh.submit("t", "pay", input).await.expect("accepted");
    answers.until("+WPI", 1).await;

    away.signal(Signal::SIGSTOP);
    let (probe, _starts) = Probe::timed(Duration::ZERO);
    mesh.worker("next", 1, probe).await;
    // Delivered a second time, it is taken for one that crashes its workers.
    let (letter, _) = mesh.dead_letter("t").await;
    assert_eq!(letter.reason, DeadReason::Poison);
    let dead = mesh.result("t").await;
    answers.until("+ACK", 1).await;
    away.signal(Signal::SIGCONT);
    // It ends its task too, finds the record and gives way.
    let said = answers.until("+ACK", 1).await;
    assert!(of_word(&said, "+ACK").iter().all(|answer| answer.deliveries == 1));
    assert_eq!(mesh.result("t").await, dead);
    assert_eq!(records(&mesh).await, 1);
    away.signal(Signal::SIGTERM);
    let (status, log) = away.ended().await;
    assert!(status.success() && !log.contains("ERROR"), "{status}\n{log}");
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sigterm_aborts_at_once_and_hands_everything_back() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let mut away = worker(&mesh, 4).await;
    let mut answers = Answers::on(&mesh.server).await;
    mesh.submit_many("pay", 4, LONG).await;
    answers.until("+WPI", 4).await;

    away.signal(Signal::SIGTERM);
    away.says("stopping").await;
    away.signal(Signal::SIGTERM);
    let (status, log) = away.ended().await;
    assert_eq!(status.code(), Some(1), "{log}");
    answers.until("-NAK", 4).await;

    let (probe, _starts) = Probe::timed(Duration::ZERO);
    mesh.worker("next", 4, probe).await;
    for n in 0..4 {
        assert_eq!(mesh.result(&format!("pay-{n}")).await.record.worker, "next");
    }
    assert_eq!(records(&mesh).await, 4);
    mesh.stop().await;
}
