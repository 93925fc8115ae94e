//! Classes and rules come and go.

use std::sync::Arc;
use std::time::Duration;

use fairlane::coordinator::{CallbackOptions, CoordinatorOptions};
use fairlane::executor::{Executor, Job, Outcome};
use fairlane::gateway::apply;
use fairlane::policy::PolicyVersion;
use fairlane::task::{ErrorKind, Lane, State};
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::documents::applying;
use crate::support::{Mesh, PATIENCE, Probe, TWO_CLASSES};

/// Without the class `bulk`.
fn without_bulk() -> String {
    let lines = TWO_CLASSES.lines().filter(|line| !line.contains("bulk:"));
    lines
        .collect::<Vec<_>>()
        .join("\n")
        .replace("default_class: bulk", "default_class: pay")
}

async fn classes_with_a_consumer(mesh: &Mesh) -> Vec<String> {
    let queues = mesh.broker.queues(Lane::Core).await.expect("the server answers");
    let mut classes: Vec<String> = queues.iter().map(|queue| queue.route.class.to_string()).collect();
    classes.sort_unstable();
    classes
}

async fn until_classes(mesh: &Mesh, expected: &[&str]) {
    let mut every = tokio::time::interval(Duration::from_millis(20));
    let looked = async {
        while classes_with_a_consumer(mesh).await != expected {
            every.tick().await;
        }
    };
    let so = tokio::time::timeout(PATIENCE, looked).await;
    if so.is_err() {
        panic!(
            "{:?} instead of {expected:?}",
            classes_with_a_consumer(mesh).await
        );
    }
}

/// A coordinator that follows what is applied, and waits no longer than it must before a consumer goes.
async fn following(yaml: &str) -> Mesh {
    let mesh = Mesh::start(yaml).await;
    mesh.coordinator.stop(PATIENCE).await;
    mesh.broker.follow_policy(&mesh.live, &mesh.lifecycle);
    let options = CoordinatorOptions {
        repeat_window: Duration::ZERO,
        ..CallbackOptions::default().into()
    };
    mesh.coordinator_with(options).await;
    mesh
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_that_is_taken_out_is_drained_first_and_one_that_comes_is_served() {
    let mesh = following(TWO_CLASSES).await;
    let (probe, mut starts) = Probe::gated();
    let worker = mesh.following_worker("w", 1, probe.clone()).await;
    mesh.submit_many("bulk", 20, "0").await;
    starts.recv().await.expect("one runs");

    apply(&mesh.broker, &applying(without_bulk()))
        .await
        .expect("applied");
    worker
        .acting()
        .wait_for(|v| *v == PolicyVersion(1))
        .await
        .expect("it runs");
    // The worker is at work on what the policy does not know any more.
    assert_eq!(classes_with_a_consumer(&mesh).await, ["bulk", "pay"]);
    probe.release(20);
    for n in 0..20 {
        let record = mesh.result(&format!("bulk-{n}")).await.record;
        assert_eq!(record.state, State::Completed);
    }
    until_classes(&mesh, &["pay"]).await;

    // One of the class that comes back later, a retry for one, is not lost.
    mesh.submit("late", "bulk", "\"passes\"").await.expect("accepted");
    assert_eq!(mesh.result("late").await.record.state, State::Completed);

    let with_more = TWO_CLASSES.replace("  bulk: {", "  more: { priority: 1, share: 5 }\n  bulk: {");
    apply(&mesh.broker, &applying(with_more)).await.expect("applied");
    until_classes(&mesh, &["bulk", "more", "pay"]).await;
    mesh.submit("more-1", "more", "\"passes\"")
        .await
        .expect("accepted");
    let record = mesh.result("more-1").await.record;
    assert_eq!((record.state, record.policy), (State::Completed, Some(2)));
    mesh.lifecycle.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_rule_between_classes_orders_what_waits_already() {
    let mesh = following(TWO_CLASSES).await;
    let (probe, mut starts) = Probe::gated();
    let worker = mesh.following_worker("w", 1, probe.clone()).await;
    mesh.submit_many("bulk", 30, "0").await;
    mesh.submit_many("pay", 30, "0").await;
    starts.recv().await.expect("one runs");
    let strict = format!(
        "scheduler: {{ between: strict, strict: {{ floor: 0 }} }}\n{}",
        TWO_CLASSES.trim_start()
    );
    apply(&mesh.broker, &applying(strict)).await.expect("applied");
    worker
        .acting()
        .wait_for(|v| *v == PolicyVersion(1))
        .await
        .expect("it runs");
    // What was asked for before may still come; from there on the urgent class alone has the slot.
    let mut started = Vec::new();
    for _ in 0..20 {
        probe.release(1);
        started.push(starts.recv().await.expect("another one runs").0);
    }
    let urgent = started.iter().filter(|class| *class == "pay").count();
    assert!(urgent >= 18, "{started:?}");
    probe.release(60);
    for (class, n) in ["pay", "bulk"]
        .into_iter()
        .flat_map(|class| (0..30).map(move |n| (class, n)))
    {
        mesh.result(&format!("{class}-{n}")).await;
    }
    mesh.lifecycle.stop(PATIENCE).await;
}

/// Fails each task once it is told to.
#[derive(Default)]
struct Failing {
    begun: Notify,
    go_on: Notify,
}

impl Executor for Failing {
    fn execute<'a>(&'a self, _: &'a Job, _: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.begun.notify_one();
            self.go_on.notified().await;
            Outcome::failed(ErrorKind::Retryable, "as told")
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_is_taken_under_the_policy_that_the_task_ran_under() {
    let one_try = TWO_CLASSES.replace("max_attempts: 3", "max_attempts: 1");
    let mesh = following(&one_try).await;
    let failing = Arc::new(Failing::default());
    let worker = mesh.following_worker("w", 1, failing.clone()).await;
    apply(&mesh.broker, &applying(one_try)).await.expect("applied");
    let mut acting = worker.acting();
    acting
        .wait_for(|v| *v == PolicyVersion(1))
        .await
        .expect("it runs");
    mesh.submit("first", "pay", "0").await.expect("accepted");
    failing.begun.notified().await;
    // Three tries from now on, and the coordinator knows.
    apply(&mesh.broker, &applying(TWO_CLASSES.to_owned()))
        .await
        .expect("applied");
    acting
        .wait_for(|v| *v == PolicyVersion(2))
        .await
        .expect("it runs");
    let mut changes = mesh.live.changes();
    changes
        .wait_for(|v| *v == PolicyVersion(2))
        .await
        .expect("it follows");
    failing.go_on.notify_one();
    let (letter, _) = mesh.dead_letter("first").await;
    assert_eq!(letter.report.executions(), 1, "it had one try when it began");
    mesh.lifecycle.stop(PATIENCE).await;
}
