//! Many workers act on many changes, while tasks flow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::executor::{Executor, Job, Outcome};
use fairlane::gateway::apply;
use fairlane::task::Lane;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use tokio_util::sync::CancellationToken;

use super::documents::{TIMEOUT_MS, applying, times, version};
use crate::support::{Bare, Mesh, PATIENCE};

/// Notes under which bound each task ran.
#[derive(Default)]
struct Bounds(Mutex<HashMap<String, Vec<u64>>>);

impl Executor for Bounds {
    fn execute<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        self.0
            .lock()
            .expect("nobody panics")
            .entry(job.task.id.to_string())
            .or_default()
            .push(job.timeout_ms);
        Simulate.execute(job, cancel)
    }
}

/// A busy machine keeps a worker from its signs of life for a second: none of these tasks is delivered again for that.
fn patient(n: u64) -> String {
    version(n).replace("ack_wait_ms: 1000", "ack_wait_ms: 20000")
}

const WORKERS: usize = 20;
/// Tasks that are published at once, again and again.
const FLOW: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_workers_act_on_each_of_many_changes_and_no_task_runs_under_two() {
    let mesh = Mesh::start_alone(&patient(0)).await;
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
        for n in 1..=times("POLICY_CHANGES", 20) {
            let document = patient(n);
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
