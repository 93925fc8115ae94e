//! Child processes that break their contract in a mesh: contained, reported, tried again.

use fairlane::task::{Lane, State};
use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::process::Command;

use crate::support::{Answers, Bare, Handler, Heard, Mesh, PATIENCE, Role, process};

/// A mesh with a worker that runs the handler.
async fn mesh(handler: &Handler, slots: u32) -> Mesh {
    let mesh = Mesh::start(&handler.policy()).await;
    let pool = handler.ready_pool(slots, &mesh.lifecycle).await;
    mesh.worker("w", slots, pool).await;
    mesh
}

/// A worker of its own that runs the handler.
async fn worker(mesh: &Mesh, handler: &Handler) -> Role {
    Role::worker(mesh.server.url(), "away", 4, &handler.policy()).await
}

/// Kind and message of the next failure report.
async fn next_report(reports: &mut Heard) -> (String, String) {
    let headers = reports.next().await.headers.expect("ours have headers");
    let value = |name| headers.get(name).map_or("", |value| value.as_str()).to_owned();
    let message = value("Fl-Error").replace("%20", " ").replace("%22", "\"");
    (value("Fl-Error-Kind"), message)
}

/// Waits for the end of processes that are not ours.
async fn all_end(pids: &[u32]) {
    for pid in pids {
        let mut tail = Command::new("tail");
        tail.args(["-s", "0.05", "-f", "/dev/null", "--pid"]);
        let tail = tail.arg(pid.to_string()).kill_on_drop(true).spawn();
        let mut tail = tail.expect("tail runs");
        let ended = tokio::time::timeout(PATIENCE, tail.wait()).await;
        ended
            .unwrap_or_else(|_| panic!("process {pid} does not end"))
            .expect("it is ours");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_breaks_costs_its_task_an_attempt_and_no_other_task_anything() {
    let handler = Handler::script("unruly.py", &[], ", processes: 2, memory_mb_max: 256");
    let mesh = mesh(&handler, 4).await;
    let mut reports = Bare::of(&mesh.server).await.hear("fl.retry.report.>").await;
    for (what, says) in [
        (
            "exit",
            "in the middle of the task, it ended with exit status 3; it said: first words | out of luck",
        ),
        ("signal", "it was ended by signal 11 (SIGSEGV)"),
        ("garbage", "its line is no JSON object: \"Loading weights...\""),
        (
            "foreign",
            "it answers the task \"another\", which it does not have",
        ),
        ("long", "it wrote a line of more than 8388608 bytes"),
        ("leak", "MemoryError"),
    ] {
        let good = |n| format!("good-{what}-{n}");
        for n in 0..4 {
            mesh.submit(&good(n), "pay", "1").await.unwrap();
        }
        mesh.submit(what, "pay", &format!(r#"{{"do":"{what}"}}"#))
            .await
            .unwrap();
        for n in 4..8 {
            mesh.submit(&good(n), "pay", "1").await.unwrap();
        }
        let (kind, message) = next_report(&mut reports).await;
        assert_eq!(kind, "retryable", "{what}: {message}");
        assert!(message.contains(says), "{what}: {message}");
        let record = mesh.result(what).await.record;
        assert_eq!((record.state, record.attempt), (State::Completed, 1), "{what}");
        for n in 0..8 {
            let record = mesh.result(&good(n)).await.record;
            assert_eq!(
                (record.state, record.attempt),
                (State::Completed, 0),
                "{}",
                good(n)
            );
        }
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_hangs_is_killed_at_the_timeout_with_all_it_started() {
    let handler = Handler::script("unruly.py", &[], ", processes: 1");
    let mesh = mesh(&handler, 1).await;
    let mut reports = Bare::of(&mesh.server).await.hear("fl.retry.report.>").await;
    let folder = tempfile::tempdir().expect("a folder");
    let note = folder.path().join("note");
    let mut task = mesh.task("hangs", Lane::Core, "pay");
    task.facts.timeout_ms = Some(5000);
    let input = format!(r#"{{"do":"hang_with_child","note":{note:?}}}"#);
    mesh.publish(&task, &input).await.unwrap();

    let (kind, message) = next_report(&mut reports).await;
    assert_eq!(
        (kind.as_str(), message.as_str()),
        ("timeout", "no output within 5000 ms")
    );
    let noted = std::fs::read_to_string(&note).expect("it started within its time");
    let pids: Vec<u32> = noted
        .split(' ')
        .map(|pid| pid.parse().expect("a number"))
        .collect();
    all_end(&pids).await;
    let record = mesh.result("hangs").await.record;
    assert!(record.state == State::Completed && record.attempt > 0);
    assert_ne!(
        record.output["pid"],
        Value::from(pids[0]),
        "another process answers"
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_process_tasks_fail_with_the_reason_instead_of_waiting_for_ever() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = folder.path().join("mark");
    let mark = mark.to_str().expect("a path in UTF-8");
    let handler = Handler::script("unruly.py", &["--first-only", mark], ", processes: 1");
    let mesh = mesh(&handler, 1).await;
    let mut reports = Bare::of(&mesh.server).await.hear("fl.retry.report.>").await;
    let mut task = mesh.task("last", Lane::Core, "pay");
    task.facts.timeout_ms = Some(2000);
    mesh.publish(&task, r#"{"do":"exit"}"#).await.unwrap();

    let (_, crash) = next_report(&mut reports).await;
    assert!(crash.contains("exit status 3"), "{crash}");
    for _ in 1..3 {
        let (kind, message) = next_report(&mut reports).await;
        assert_eq!(kind, "retryable", "{message}");
        assert!(
            message.starts_with("no process of the model has been up for"),
            "{message}"
        );
        assert!(message.ends_with("it said: not a second time"), "{message}");
    }
    assert_eq!(mesh.result("last").await.record.state, State::Dead);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_on_stderr_blocks_nothing_and_is_cut_in_the_log() {
    let handler = Handler::script("unruly.py", &[], ", processes: 1");
    let mesh = Mesh::start(&handler.policy()).await;
    let mut away = worker(&mesh, &handler).await;
    mesh.submit("flood", "pay", r#"{"do":"flood"}"#).await.unwrap();
    let record = mesh.result("flood").await.record;
    assert_eq!((record.state, record.attempt), (State::Completed, 0));
    away.says("lines were left out").await;
    away.signal(Signal::SIGTERM);
    let (status, log) = away.ended().await;
    assert!(status.success(), "{status}");
    let logged = log.lines().filter(|line| line.contains("flood flood"));
    let logged: Vec<&str> = logged.collect();
    assert!((100..20_000).contains(&logged.len()), "{} lines", logged.len());
    assert!(
        logged[0].contains("task.id=flood") && logged[0].contains("model=m"),
        "{}",
        logged[0]
    );
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_leaves_no_zombie_and_its_sigkill_no_child() {
    let handler = Handler::script("unruly.py", &[], ", processes: 1, memory_mb_max: 256");
    let mesh = Mesh::start(&handler.policy()).await;
    let mut away = worker(&mesh, &handler).await;
    for what in ["exit", "signal", "garbage", "long", "leak", "hang"] {
        let mut task = mesh.task(what, Lane::Core, "pay");
        task.facts.timeout_ms = (what == "hang").then_some(4000);
        mesh.publish(&task, &format!(r#"{{"do":"{what}"}}"#))
            .await
            .unwrap();
        away.says("starting another after a pause").await;
        away.says("a process is ready").await;
        let record = mesh.result(what).await.record;
        assert!(record.state == State::Completed && record.attempt > 0, "{what}");
        let children = process::children(away.pid());
        assert!(!children.iter().any(|pid| process::is_zombie(*pid)), "{what}");
        assert_eq!(children.len(), 1, "{what}");
    }
    let children = process::children(away.pid());
    mesh.submit("runs", "pay", r#"{"do":"hang","always":true}"#)
        .await
        .unwrap();
    Answers::on(&mesh.server).await.until("+WPI", 1).await;

    away.signal(Signal::SIGKILL);
    away.ended().await;
    all_end(&children).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sigterm_lets_a_task_end_and_a_second_one_ends_its_process() {
    let handler = Handler::script("unruly.py", &[], ", processes: 2");
    let mesh = Mesh::start(&handler.policy()).await;
    for (what, input, is_patient) in [
        ("ends", r#"{"do":"sleep","ms":1500}"#, true),
        ("hangs", r#"{"do":"hang"}"#, false),
    ] {
        let mut away = worker(&mesh, &handler).await;
        let mut answers = Answers::on(&mesh.server).await;
        mesh.submit(what, "pay", input).await.unwrap();
        answers.until("+WPI", 1).await;
        let children = process::children(away.pid());
        away.signal(Signal::SIGTERM);
        away.says("stopping").await;
        if !is_patient {
            away.signal(Signal::SIGTERM);
        }
        let (status, log) = away.ended().await;
        assert_eq!(status.code(), Some(i32::from(!is_patient)), "{log}");
        assert!(!children.iter().any(|pid| process::exists(*pid)), "{log}");
        if is_patient {
            assert_eq!(mesh.result(what).await.record.attempt, 0);
        } else {
            answers.until("-NAK", 1).await;
        }
    }
    mesh.stop().await;
}
