//! Who serves a policy on trial, and what these do that others do not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fairlane::clock;
use fairlane::config::{LivePolicy, parse_policy};
use fairlane::executor::simulate::Simulate;
use fairlane::executor::{Executor, Job, Outcome};
use fairlane::policy::{Edition, Policy, PolicyVersion};
use fairlane::task::{Moment, Shard, State};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::canary::{Scene, begin_held};
use super::chosen::{send, until_known};
use super::documents::{version, with_model};
use crate::support::{Answered, Door, PATIENCE, Role, TWO_CLASSES, connect, most_owed};

/// How often the registry is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Tasks under way at once.
const FLOW: usize = 16;

/// Notes when tasks of both tracks start; they take no time.
#[derive(Default)]
struct Starts(Mutex<Vec<(bool, Moment)>>);

impl Starts {
    /// Those of one track, in order.
    fn of(&self, is_canary: bool) -> Vec<Moment> {
        let starts = self.0.lock().expect("nobody panics");
        let of_track = starts.iter().filter(|(on, _)| *on == is_canary);
        let mut starts: Vec<Moment> = of_track.map(|(_, at)| *at).collect();
        starts.sort_unstable();
        starts
    }
}

impl Executor for Starts {
    fn execute<'a>(&'a self, job: &'a Job, _: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        let start = (is_canary(&job.task.shard), clock::monotonic());
        self.0.lock().expect("nobody panics").push(start);
        let (output, usage) = (json!("done"), json!({}));
        Box::pin(async move { Outcome::Completed { output, usage } })
    }
}

fn is_canary(shard: &Shard) -> bool {
    matches!(shard, Shard::Canary(_))
}

/// Waits until the candidate `version` has `count` workers that act on it; which.
async fn until_acting(scene: &Scene, count: usize, version: u64) -> Vec<String> {
    let crew = scene.until_manned(count).await;
    until_known(&scene.mesh.live, true).await;
    let mut every = tokio::time::interval(LOOK_EVERY);
    let looked = async {
        loop {
            every.tick().await;
            let workers = scene.mesh.broker.workers().await.expect("NATS answers");
            let acting = workers
                .iter()
                .filter(|worker| worker.beat.policy.version == version);
            if acting.count() == count {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, looked)
        .await
        .expect("they act on it");
    crew
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cannot_act_on_the_candidate_has_none_of_its_tasks() {
    let scene = Scene::without_workers().await;
    let mesh = &scene.mesh;
    let stable = parse_policy("stable", &version(1)).expect("valid");
    let older = LivePolicy::new(Edition::new(PolicyVersion(1), stable));
    older.sit_out(PolicyVersion(2), "it is of a later version".to_owned());
    mesh.worker_acting_on(older, "older", 8, Arc::new(Simulate)).await;
    for n in 0..3 {
        mesh.following_worker(&format!("w-{n}"), 2, Arc::new(Simulate))
            .await;
    }
    let mut every = tokio::time::interval(LOOK_EVERY);
    while mesh.broker.workers().await.expect("NATS answers").len() < 4 {
        every.tick().await;
    }
    let door = Door::choosing_tracks(mesh, mesh.live.clone()).await;
    begin_held(mesh, version(2), &[100]).await;
    let crew = until_acting(&scene, 3, 2).await;
    assert_eq!(
        crew,
        ["w-0", "w-1", "w-2"],
        "of all tasks all workers have some, but for that one"
    );
    let sent = stream::iter(0..100).map(|n| {
        let door = &door;
        async move {
            let id = format!("t-{n}");
            let answer = send(door, &id, None, Some("2")).await;
            assert_eq!(answer.status, 202, "{answer:?}");
            let record = mesh.result(&id).await.record;
            assert_eq!((record.state, record.policy), (State::Completed, Some(2)), "{id}");
            assert_ne!(record.worker, "older", "{id}");
        }
    });
    sent.buffer_unordered(FLOW).count().await;
    assert_eq!(scene.until_manned(3).await, crew);
    mesh.lifecycle.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_that_the_candidate_alone_has_is_kept_on_its_track_alone() {
    const PER_S: u32 = 40;
    const BURST: u32 = 5;
    const TASKS: usize = 120;
    /// As for any rate: a start is noted later than its token is spent.
    const LATE: f64 = 2.0;
    let scene = Scene::without_workers().await;
    let mesh = &scene.mesh;
    let starts = Arc::new(Starts::default());
    for id in ["w-0", "w-1"] {
        mesh.following_worker(id, 8, starts.clone()).await;
    }
    let share = "share: 12 }";
    let rate = format!("share: 12, rate: {{ per_s: {PER_S}, burst: {BURST} }} }}");
    let document = version(2).replace(share, &rate);
    assert_ne!(document, version(2), "it has the rate");
    begin_held(mesh, document, &[50, 100]).await;
    let crew = &until_acting(&scene, 1, 2).await[0];
    let door = Door::choosing_tracks(mesh, mesh.live.clone()).await;
    let sent = stream::iter(0..TASKS * 2).map(|n| {
        let door = &door;
        async move {
            let id = format!("t-{n}");
            let (track, policy) = [("canary", 2), ("stable", 1)][n % 2];
            let answer = send(door, &id, Some(track), None).await;
            assert_eq!(answer.status, 202, "{answer:?}");
            let record = mesh.result(&id).await.record;
            assert_eq!(record.policy, Some(policy), "{record:?}");
            // Who has gone over to the candidate may still be given what it had asked for before.
            assert!(policy == 1 || record.worker == *crew, "{record:?}");
        }
    });
    sent.buffer_unordered(TASKS * 2).count().await;
    for track in [true, false] {
        let at = starts.of(track);
        let owed = most_owed(f64::from(PER_S), &at);
        println!("canary: {track}: {} starts, {owed:.1} owed at once", at.len());
        assert_eq!(owed <= f64::from(BURST) + LATE, track, "{owed}");
    }
    mesh.lifecycle.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_the_candidate_alone_has_is_made_and_served_by_its_workers() {
    let scene = Scene::without_workers().await;
    let mesh = &scene.mesh;
    let mut workers = Vec::new();
    for id in ["r-0", "r-1"] {
        workers.push(Role::worker(mesh.server.url(), id, 4, TWO_CLASSES).await);
    }
    let door = Door::choosing_tracks(mesh, mesh.live.clone()).await;
    let submit = |id: String, labels: serde_json::Value| {
        let body = json!({"task_id": id, "model": "n", "class": "pay", "input": 1, "labels": labels});
        Answered::of(door.request("POST", "/v1/tasks").body(body.to_string()))
    };
    begin_held(mesh, with_model(2), &[50, 100]).await;
    let crew = until_acting(&scene, 1, 2).await;
    for n in 0..10 {
        let id = format!("n-{n}");
        let answer = submit(id.clone(), json!({"fl-policy": "2"})).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let record = mesh.result(&id).await.record;
        assert_eq!(
            (record.state, record.policy),
            (State::Completed, Some(2)),
            "{record:?}"
        );
        assert_eq!(record.worker, crew[0], "{record:?}");
    }
    for labels in [json!({"fl-policy": "1"}), json!({})] {
        let answer = submit("stable".to_owned(), labels).await;
        assert_eq!(answer.code(), "unknown_model", "the policy that holds has none");
    }
    drop(workers);
    mesh.lifecycle.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_during_a_rollout_goes_by_it_from_the_first_task_on() {
    let scene = Scene::set(Arc::new(Simulate)).await;
    let mesh = &scene.mesh;
    begin_held(mesh, version(2), &[50, 100]).await;
    let crew = until_acting(&scene, 2, 2).await;
    // What they begin with is all they ever hear.
    let own = Policy::clone(&mesh.policy);
    let begins = |name: &'static str| {
        let own = own.clone();
        async move { connect(&mesh.server, name).await.policy_at_start(own).await }
    };
    let (gateway, worker) = (begins("gateway-2").await, begins("w-new").await);
    for live in [&gateway, &worker] {
        let on = live.trial().expect("it is known at once");
        let workers: Vec<String> = on.trial.workers.iter().map(ToString::to_string).collect();
        assert_eq!(
            (live.now().version, on.edition.version),
            (PolicyVersion(1), PolicyVersion(2))
        );
        assert_eq!(workers, crew);
    }
    mesh.worker_acting_on(worker, "w-new", 32, Arc::new(Simulate))
        .await;
    let door = Door::choosing_tracks(mesh, gateway).await;
    let sent = stream::iter(0..200).map(|n| {
        let door = &door;
        async move {
            let id = format!("t-{n}");
            let label = ["2", "1"][n % 2];
            let answer = send(door, &id, None, Some(label)).await;
            assert_eq!(answer.status, 202, "{answer:?}");
            let record = mesh.result(&id).await.record;
            assert_eq!(
                record.policy.map(|policy| policy.to_string()).as_deref(),
                Some(label),
                "{record:?}"
            );
            (n % 2 == 0, record.worker)
        }
    });
    let ran: Vec<(bool, String)> = sent.buffer_unordered(FLOW * 4).collect().await;
    let of_new = ran.iter().filter(|(_, worker)| worker == "w-new");
    let (canary, stable): (Vec<_>, Vec<_>) = of_new.partition(|(is_canary, _)| *is_canary);
    println!("the new worker ran {} tasks of the stable track", stable.len());
    assert!(canary.is_empty() && !stable.is_empty(), "{ran:?}");
    mesh.lifecycle.stop(PATIENCE).await;
}
