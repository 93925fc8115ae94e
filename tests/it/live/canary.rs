//! A policy on trial: which tasks and workers it has, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use fairlane::coordinator::{CallbackOptions, CoordinatorOptions};
use fairlane::executor::simulate::Simulate;
use fairlane::executor::{Executor, Job, Outcome};
use fairlane::gateway::{
    ApplyError, Handle, TrialStatus, Trying, apply, begin_trial, handle_trial, trial_status,
};
use fairlane::policy::LotBy;
use fairlane::policy::rollout::Share;
use fairlane::task::{ErrorKind, Lane, State};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::documents::{TIMEOUT_MS, applying, version};
use crate::support::{Door, Mesh, PATIENCE};

/// Tasks under way at once.
const FLOW: usize = 48;
const WORKERS: usize = 4;
/// How often the record is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

fn shares(percent: &[u16]) -> Vec<Share> {
    percent.iter().filter_map(|part| Share::new(part * 100)).collect()
}

pub(super) fn trying(document: String, percent: &[u16]) -> Trying {
    Trying {
        compare: None,
        applying: applying(document),
        shares: shares(percent),
        by: LotBy::Task,
        label: None,
    }
}

/// A rollout that stays in its first stage.
pub(super) async fn begin_held(mesh: &Mesh, document: String, percent: &[u16]) {
    begin_trial(&mesh.broker, &trying(document, percent))
        .await
        .expect("it begins");
    handle_trial(&mesh.broker, Handle::Pause, "test", None)
        .await
        .expect("it is held");
}

/// Fails so many of a hundred tasks that run under a candidate, told by their bound.
pub(super) struct Failing {
    pub(super) candidate_ms: u64,
    pub(super) of_hundred: u64,
}

impl Executor for Failing {
    fn execute<'a>(&'a self, job: &'a Job, _: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        let number: u64 = job.input.as_u64().unwrap_or(0);
        let fails = job.timeout_ms == self.candidate_ms && number % 100 < self.of_hundred;
        Box::pin(async move {
            match fails && job.task.attempt == 0 {
                true => Outcome::failed(ErrorKind::Retryable, "the candidate does harm"),
                false => Outcome::Completed {
                    output: json!(number),
                    usage: json!({}),
                },
            }
        })
    }
}

/// A mesh whose coordinator judges quickly, with a gateway and four workers that follow what is applied; version 1 holds.
pub(super) struct Scene {
    pub(super) mesh: Mesh,
    pub(super) door: Door,
}

impl Scene {
    pub(super) async fn set(executor: Arc<dyn Executor>) -> Self {
        Self::on(Mesh::start_alone(&version(0)).await, executor).await
    }

    pub(super) async fn on(mesh: Mesh, executor: Arc<dyn Executor>) -> Self {
        let scene = Self::without_workers_on(mesh).await;
        for n in 0..WORKERS {
            let id = format!("w-{n}");
            scene.mesh.following_worker(&id, 8, executor.clone()).await;
        }
        scene
    }

    /// The same with none.
    pub(super) async fn without_workers() -> Self {
        Self::without_workers_on(Mesh::start_alone(&version(0)).await).await
    }

    async fn without_workers_on(mesh: Mesh) -> Self {
        mesh.coordinator.stop(PATIENCE).await;
        mesh.broker.follow_policy(&mesh.live, &mesh.lifecycle);
        let options = CoordinatorOptions {
            stage_ms: Some((2_000, 10_000)),
            repeat_window: Duration::ZERO,
            ..CallbackOptions::default().into()
        };
        mesh.coordinator_with(options).await;
        apply(&mesh.broker, &applying(version(1))).await.expect("applied");
        let mut changes = mesh.live.changes();
        changes.wait_for(|v| v.0 == 1).await.expect("it follows");
        let door = Door::of(&mesh).await;
        Self { mesh, door }
    }

    /// Sends tasks through the gateway until it is told to stop, and waits for each; how many, and how many of them ran
    /// under the version `candidate`.
    pub(super) async fn flow(&self, candidate: u64, stop: &CancellationToken) -> (usize, usize) {
        let numbers = stream::iter(0..).take_until(stop.cancelled());
        let sent = numbers.map(|n| async move {
            let (id, class) = (format!("t-{n}"), ["pay", "bulk"][n % 2]);
            let body = json!({"task_id": id, "model": "m", "class": class, "input": n});
            let answer = self.door.post(body.to_string()).await;
            assert_eq!(answer.status, 202, "{answer:?}");
            let record = self.mesh.result(&id).await.record;
            assert_eq!(record.state, State::Completed, "{id}");
            usize::from(record.policy == Some(candidate))
        });
        let counts = sent.buffer_unordered(FLOW);
        counts
            .fold((0, 0), async |(all, canary), one| (all + 1, canary + one))
            .await
    }

    /// Waits until the gateway takes tasks again.
    pub(super) async fn until_it_takes(&self) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        let body = json!({"task_id": "again", "model": "m", "class": "pay", "input": 1}).to_string();
        let taken = async {
            while self.door.post(body.clone()).await.status != 202 {
                every.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, taken).await.expect("it does");
    }

    pub(super) async fn until(&self, what: &str, is_so: impl Fn(&TrialStatus) -> bool) -> TrialStatus {
        let mut every = tokio::time::interval(LOOK_EVERY);
        let looked = async {
            loop {
                every.tick().await;
                let status = trial_status(&self.mesh.broker).await.expect("NATS answers");
                if is_so(&status) {
                    return status;
                }
            }
        };
        let so = tokio::time::timeout(PATIENCE * 3, looked).await;
        let Ok(status) = so else {
            panic!("{what}: never; {:?}", trial_status(&self.mesh.broker).await);
        };
        status
    }

    /// Waits until the candidate has so many workers; which.
    pub(super) async fn until_manned(&self, count: usize) -> Vec<String> {
        let of = |status: &TrialStatus| status.trial.as_ref().map(|trial| trial.workers.clone());
        let is_so = |status: &TrialStatus| of(status).is_some_and(|workers| workers.len() == count);
        of(&self.until("it has workers", is_so).await).unwrap_or_default()
    }
}

pub(super) fn ended(status: &TrialStatus) -> Option<&str> {
    status.last.as_ref().map(|last| last.ending)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_fails_more_is_rolled_back_by_itself_and_no_task_is_lost() {
    let candidate_ms = TIMEOUT_MS + 2;
    let scene = Scene::set(Arc::new(Failing {
        candidate_ms,
        of_hundred: 30,
    }))
    .await;
    let stop = CancellationToken::new();
    let ((all, canary), status) = tokio::join!(scene.flow(2, &stop), async {
        let candidate = begin_trial(&scene.mesh.broker, &trying(version(2), &[25, 100]))
            .await
            .expect("it begins");
        assert_eq!(candidate.0, 2);
        let status = scene.until("it ends", |status| status.last.is_some()).await;
        stop.cancel();
        status
    });
    assert_eq!(ended(&status), Some("rolled_back"), "{status:?}");
    let why = &status.last.as_ref().expect("it has ended").why;
    assert!(why.contains("failures"), "{why}");
    assert_eq!(status.stable, 1);
    println!("{canary} of {all} tasks ran under the candidate; {why}");
    assert!(canary > 0 && canary < all / 2, "{canary} of {all}");
    scene.mesh.lifecycle.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_is_as_good_is_promoted_step_by_step() {
    let scene = Scene::set(Arc::new(Simulate)).await;
    let stop = CancellationToken::new();
    let ((all, canary), status) = tokio::join!(scene.flow(2, &stop), async {
        begin_trial(&scene.mesh.broker, &trying(version(2), &[30, 60, 100]))
            .await
            .expect("it begins");
        let first = scene.until("it has workers", |status| {
            status
                .trial
                .as_ref()
                .is_some_and(|trial| !trial.workers.is_empty())
        });
        let workers = first.await.trial.expect("it is on trial").workers;
        assert_eq!(workers.len(), 2, "30 % of four, rounded up: {workers:?}");
        let refused = apply(&scene.mesh.broker, &applying(version(3)))
            .await
            .expect_err("one is on trial");
        assert!(matches!(refused, ApplyError::OnTrial(_)), "{refused}");
        let status = scene.until("it ends", |status| status.last.is_some()).await;
        stop.cancel();
        status
    });
    assert_eq!(ended(&status), Some("promoted"), "{status:?}");
    assert_eq!(status.stable, 2);
    println!("{canary} of {all} tasks ran under the candidate");
    // What is left on the canary track is served by all, and its consumers go.
    let mut every = tokio::time::interval(LOOK_EVERY);
    let gone = async {
        loop {
            every.tick().await;
            let queues = scene.mesh.broker.queues(Lane::Core).await.expect("NATS answers");
            if queues.iter().all(|queue| queue.route.shard.to_string() == "0") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, gone)
        .await
        .expect("the consumers of the canary track go");
    scene.mesh.lifecycle.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_can_hold_it_let_it_go_on_and_end_it_and_its_share_is_what_was_asked_for() {
    let scene = Scene::set(Arc::new(Simulate)).await;
    let broker = &scene.mesh.broker;
    let none = handle_trial(broker, Handle::Abort, "test", None)
        .await
        .expect_err("there is none");
    assert!(matches!(none, ApplyError::NoTrial), "{none}");
    begin_trial(broker, &trying(version(2), &[20, 100]))
        .await
        .expect("it begins");
    handle_trial(broker, Handle::Pause, "test", None)
        .await
        .expect("it is held");
    scene
        .until("it has workers", |status| {
            status
                .trial
                .as_ref()
                .is_some_and(|trial| !trial.workers.is_empty())
        })
        .await;
    let stop = CancellationToken::new();
    let ((all, canary), ()) = tokio::join!(scene.flow(2, &stop), async {
        // Long enough that it would have gone on.
        scene
            .until("it was judged good enough", |status| {
                let seen = status.seen.as_ref().unwrap_or(&Value::Null);
                seen["ruling"] == "promote"
            })
            .await;
        stop.cancel();
    });
    // Four standard deviations of a binomial.
    let (expected, deviation) = (all as f64 * 0.2, (all as f64 * 0.2 * 0.8).sqrt());
    println!("{canary} of {all} tasks ran under the candidate, {expected:.0} expected");
    assert!(
        (canary as f64 - expected).abs() < 4.0 * deviation,
        "{canary} of {all}"
    );
    let status = handle_trial(broker, Handle::Abort, "test", None)
        .await
        .expect("it ends");
    assert_eq!((ended(&status), status.stable), (Some("aborted"), 1));
    scene.mesh.lifecycle.stop(PATIENCE).await;
}
