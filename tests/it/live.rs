//! The policy of a running mesh is changed: who acts on it when, and what becomes of tasks meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::executor::{Executor, Job, Outcome};
use fairlane::gateway::{Applied, ApplyError, Applying, apply, history, rollback};
use fairlane::policy::PolicyVersion;
use fairlane::task::Lane;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use tokio_util::sync::CancellationToken;

use crate::support::{Bare, Mesh, PATIENCE, TWO_CLASSES};

/// Bound on an execution, in ms, under the first version; each later one has one more.
const TIMEOUT_MS: u64 = 60_000;

fn applying(document: String) -> Applying {
    Applying {
        name: "test.yaml".to_owned(),
        document,
        author: "test".to_owned(),
        message: String::new(),
        expected: None,
        restores: None,
    }
}

/// Two classes whose shares and time-outs say which version it is.
fn version(n: u64) -> String {
    TWO_CLASSES
        .replace("timeout_ms: 120000", &format!("timeout_ms: {}", TIMEOUT_MS + n))
        .replace("share: 60", &format!("share: {}", 10 + n % 80))
}

/// Notes under which bound each task ran.
#[derive(Default)]
struct Bounds(Mutex<HashMap<String, Vec<u64>>>);

impl Executor for Bounds {
    fn execute<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        let noted = self
            .0
            .lock()
            .expect("nobody panics")
            .entry(job.task.id.to_string())
            .or_default()
            .push(job.timeout_ms);
        Simulate.execute(job, cancel)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_holds_everywhere_once_and_can_be_taken_back() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    let worker = mesh.following_worker("w-1", 1, Arc::new(Simulate)).await;
    let mut acting = worker.acting();
    let broker = &mesh.broker;

    let first = apply(broker, &applying(version(1))).await.expect("applied");
    assert_eq!(
        first,
        Applied {
            version: 1,
            before: 0,
            changed: true
        }
    );
    acting
        .wait_for(|v| *v == PolicyVersion(1))
        .await
        .expect("it runs");

    let again = apply(broker, &applying(version(1))).await.expect("applied");
    assert_eq!(
        again,
        Applied {
            version: 1,
            before: 1,
            changed: false
        }
    );

    apply(broker, &applying(version(2))).await.expect("applied");
    acting
        .wait_for(|v| *v == PolicyVersion(2))
        .await
        .expect("it runs");

    let stale = Applying {
        expected: Some(PolicyVersion(1)),
        ..applying(version(3))
    };
    let refused = apply(broker, &stale).await.expect_err("another one holds");
    assert!(matches!(refused, ApplyError::Outdated { .. }), "{refused}");
    let faulty = apply(broker, &applying("version: 1\nclasses: {}\n".to_owned()))
        .await
        .expect_err("faulty");
    assert!(faulty.to_string().contains("test.yaml:2:"), "{faulty}");

    let back = rollback(broker, None, "test".to_owned(), String::new(), None)
        .await
        .expect("taken back");
    assert_eq!(
        back,
        Applied {
            version: 3,
            before: 2,
            changed: true
        }
    );
    acting
        .wait_for(|v| *v == PolicyVersion(3))
        .await
        .expect("it runs");
    let past = history(broker).await.expect("stored");
    let told: Vec<_> = past
        .iter()
        .map(|past| (past.version, past.holds, past.after, past.restores))
        .collect();
    assert_eq!(
        told,
        [(3, true, 2, Some(1)), (2, false, 1, None), (1, false, 0, None)]
    );
    // Back again is on to what was before that one, of which there is none.
    let none = rollback(broker, None, "test".to_owned(), String::new(), None)
        .await
        .expect_err("nothing before");
    assert!(matches!(none, ApplyError::NoneBefore), "{none}");

    // Who starts later begins with what holds.
    let late = mesh.following_worker("w-2", 1, Arc::new(Simulate)).await;
    assert_eq!(*late.acting().borrow(), PolicyVersion(3));
    mesh.lifecycle.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_apply_at_once_one_is_told_of_the_other() {
    let mesh = Mesh::start(TWO_CLASSES).await;
    for round in 0..8 {
        let (one, other) = (applying(version(2 * round + 1)), applying(version(2 * round + 2)));
        let applied = tokio::join!(apply(&mesh.broker, &one), apply(&mesh.broker, &other));
        let both = [applied.0, applied.1];
        let held = both.iter().filter(|applied| applied.is_ok()).count();
        assert!(held >= 1, "{both:?}");
        for refused in both.iter().filter_map(|applied| applied.as_ref().err()) {
            assert!(matches!(refused, ApplyError::Conflict), "{refused}");
        }
        let past = history(&mesh.broker).await.expect("stored");
        let holds: Vec<u64> = past
            .iter()
            .filter(|past| past.holds)
            .map(|past| past.version)
            .collect();
        assert_eq!(
            holds,
            [past[0].version],
            "the last one that is stored holds, and no other is left over"
        );
    }
    mesh.lifecycle.stop(PATIENCE).await;
}

/// Changes to go through, and workers: the figures of docs/benchmarks.md are made with `POLICY_CHANGES=200`.
fn changes() -> u64 {
    std::env::var("POLICY_CHANGES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(20)
}

const WORKERS: usize = 20;
/// Tasks that are published at once, again and again.
const FLOW: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_workers_act_on_each_of_many_changes_and_no_task_runs_under_two() {
    let mesh = Mesh::start_alone(&version(0)).await;
    let bounds = Arc::new(Bounds::default());
    let mut acting = Vec::new();
    for n in 0..WORKERS {
        acting.push(
            mesh.following_worker(&format!("w-{n}"), 4, bounds.clone())
                .await
                .acting(),
        );
    }
    let stop = CancellationToken::new();
    let (published, latencies) = tokio::join!(publish(&mesh, &stop), async {
        let mut latencies = Vec::new();
        for n in 1..=changes() {
            let document = version(n);
            let begun = clock::monotonic();
            let applied = apply(&mesh.broker, &applying(document)).await.expect("applied");
            for acting in &mut acting {
                acting
                    .wait_for(|v| v.0 >= applied.version)
                    .await
                    .expect("it runs");
            }
            latencies.push(clock::monotonic().since(begun));
        }
        stop.cancel();
        latencies
    });
    told(latencies);
    let mut ran = 0;
    for id in (0..published).map(|n| format!("t-{n}")) {
        let record = mesh.result(&id).await;
        let policy = record.record.policy.unwrap_or(0);
        let bounds = bounds.0.lock().expect("nobody panics");
        let of = &bounds[&id];
        // One that was delivered again ran twice; the record tells of one of these.
        assert!(
            of.contains(&(TIMEOUT_MS + policy)),
            "{id}: {of:?}, but policy {policy}"
        );
        ran += of.len();
    }
    assert_eq!(ran, published, "each ran once");
    Bare::of(&mesh.server).await.until_empty("FL_CORE").await;
    mesh.lifecycle.stop(PATIENCE).await;
}

/// Publishes tasks of both classes until it is told to stop; says how many.
async fn publish(mesh: &Mesh, stop: &CancellationToken) -> usize {
    let numbers = stream::iter(0..).take_until(stop.cancelled());
    let sent = numbers.map(|n| async move {
        let class = ["pay", "bulk"][n % 2];
        let task = mesh.task(&format!("t-{n}"), Lane::Core, class);
        mesh.publish(&task, r#"{"service_ms":20}"#)
            .await
            .expect("accepted");
        mesh.result(&format!("t-{n}")).await;
    });
    sent.buffer_unordered(FLOW * 4).count().await
}

/// From before the document is stored until all act on it.
fn told(mut latencies: Vec<Duration>) {
    latencies.sort_unstable();
    let at = |part: usize| latencies[(latencies.len() * part / 100).min(latencies.len() - 1)];
    println!(
        "{} changes, {WORKERS} workers: all act on it after {:?} (p50), {:?} (p99), {:?} at most",
        latencies.len(),
        at(50),
        at(99),
        at(100),
    );
}
