//! What a more urgent task waits for is as urgent as it, also after it has failed.

use std::sync::Arc;

use fairlane::executor::{Executor, Job, Outcome};
use fairlane::task::{ErrorKind, EventKind, Lane, State, TaskId};
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::{Bare, Door, Mesh, PATIENCE, Probe, Starts};

const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: 64, timeout_ms: 120000, ack_wait_ms: 2000, max_priority: 2 }
  normal: { concurrency: 64, timeout_ms: 120000, ack_wait_ms: 2000 }
classes:
  pay:  { priority: 1, share: 50 }
  bulk: { priority: 5, share: 50 }
default_class: bulk
models:
  m: { executor: simulate, cost: { unit: ms, initial: 50 } }
retry: { kind: fixed, base_ms: 1, jitter: none, max_attempts: 3 }
";

/// Tasks that the parent is queued behind when it comes back.
const BACKLOG: usize = 200;

/// Ends tasks when the test says so; the first execution of the parent fails.
struct FailsOnce(Arc<Probe>);

impl Executor for FailsOnce {
    fn execute<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let outcome = self.0.execute(job, cancel).await;
            match job.task.id.as_str() == "parent" && job.task.attempt == 0 {
                true => Outcome::failed(ErrorKind::Retryable, "the first time"),
                false => outcome,
            }
        })
    }
}

async fn next(starts: &mut Starts) -> String {
    let next = tokio::time::timeout(PATIENCE, starts.recv()).await;
    next.expect("something starts").expect("the probe is there").1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_failed_and_is_queued_behind_a_backlog_is_promoted_for_its_core_task() {
    let mesh = Mesh::start(POLICY).await;
    let (door, bare) = (Door::of(&mesh).await, Bare::of(&mesh.server).await);
    let (probe, mut starts) = Probe::gated();
    mesh.worker("w", 1, Arc::new(FailsOnce(probe.clone()))).await;
    let parent = json!({"task_id": "parent", "class": "bulk", "model": "m", "input": 1});
    assert_eq!(door.post(parent.to_string()).await.status, 202);
    assert_eq!(next(&mut starts).await, "parent");
    let mut looks = bare.hear("$JS.API.CONSUMER.INFO.FL_NORMAL.>").await;
    let child =
        json!({"task_id": "child", "class": "pay", "model": "m", "input": 1, "depends_on": ["parent"]});
    assert_eq!(door.post(child.to_string()).await.json()["state"], "blocked");
    // The coordinator has found out that the parent runs.
    looks.next().await;
    let many = (0..BACKLOG).map(|n| {
        let task = mesh.task(&format!("many-{n}"), Lane::Normal, "bulk");
        let mesh = &mesh;
        async move { mesh.publish(&task, "1").await.expect("accepted") }
    });
    futures_util::future::join_all(many).await;
    probe.release(1);
    // Nothing but one task of the backlog runs until the parent has been moved.
    bare.first("FL_EVENTS", "fl.event.bulk.parent.promote").await;
    let mut before = 0;
    while next(&mut starts).await != "parent" {
        before += 1;
        probe.release(1);
    }
    probe.release(BACKLOG + 2);
    assert!(before < BACKLOG / 2, "{before} of {BACKLOG} came before it");
    let record = mesh.result("child").await.record;
    assert_eq!(record.state, State::Completed);
    let events = mesh.broker.events(&TaskId::new("parent").expect("an id")).await;
    let kinds: Vec<EventKind> = events.expect("read").iter().map(|e| e.record.kind).collect();
    assert_eq!(kinds, [EventKind::Retry, EventKind::Promote]);
    mesh.stop().await;
}
