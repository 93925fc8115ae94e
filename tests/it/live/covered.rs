//! No task of a policy that is on trial, or was, is taken for one that nobody covers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fairlane::broker::publish::Original;
use fairlane::executor::simulate::Simulate;
use fairlane::gateway::{Handle, apply, begin_trial, handle_trial};
use fairlane::policy::PolicyVersion;
use fairlane::task::{Lane, ModelName, Shard, State, Task};
use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::canary::{Scene, begin_held, trying};
use super::chosen::send;
use super::documents::{applying, version, with_model};
use crate::support::{Door, Mesh, PATIENCE, Role, TWO_CLASSES, connect};

/// How often the lanes are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Tasks under way at once.
const FLOW: usize = 16;

/// Waits until the core lane has consumers of which `is_so`.
async fn until_queues(mesh: &Mesh, is_so: impl Fn(&[Shard]) -> bool) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    let looked = async {
        loop {
            every.tick().await;
            let queues = mesh.broker.queues(Lane::Core).await.expect("NATS answers");
            let shards: Vec<Shard> = queues.iter().map(|queue| queue.route.shard).collect();
            if is_so(&shards) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, looked)
        .await
        .expect("consumers come and go");
}

fn is_canary(shard: &Shard) -> bool {
    matches!(shard, Shard::Canary(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_task_of_the_canary_track_dies_for_want_of_a_consumer() {
    let scene = Scene::set(Arc::new(Simulate)).await;
    let mesh = &scene.mesh;
    // No more than a rollout needs: of the class each consumer of both tracks has one place.
    let narrow = version(1).replace("{ priority: 1,", "{ priority: 1, max_concurrent: 2,");
    assert_ne!(narrow, version(1));
    let applied = apply(&mesh.broker, &applying(narrow)).await;
    assert_eq!(applied.expect("applied").version, 2);
    // It hears of each rollout by itself: before the coordinator or after.
    let own = mesh.following(&connect(&mesh.server, "late").await).await;
    let door = Door::choosing_tracks(mesh, own).await;
    let stop = CancellationToken::new();
    let of_candidates = watch::Sender::new(0);
    let sent = stream::iter(0..).take_until(stop.cancelled()).map(|n| {
        let (door, of_candidates) = (&door, &of_candidates);
        async move {
            let id = format!("t-{n}");
            let answer = send(door, &id, Some("canary"), None).await;
            assert_eq!(answer.status, 202, "{answer:?}");
            let record = mesh.result(&id).await.record;
            assert_eq!(record.state, State::Completed, "{id}");
            of_candidates.send_modify(|count| *count += u32::from(record.policy > Some(2)));
        }
    });
    let sent = sent.buffer_unordered(FLOW);
    let (all, ()) = tokio::join!(sent.count(), async {
        for n in 3..6 {
            begin_trial(&mesh.broker, &trying(version(n), &[25, 100]))
                .await
                .expect("it begins");
            let (mut ran, before) = (of_candidates.subscribe(), *of_candidates.borrow());
            let some = ran.wait_for(|count| *count >= before + 50);
            tokio::time::timeout(PATIENCE, some)
                .await
                .expect("tasks run under it")
                .expect("they are counted");
            handle_trial(&mesh.broker, Handle::Abort, "test", None)
                .await
                .expect("it ends");
            until_queues(mesh, |shards| !shards.iter().any(is_canary)).await;
        }
        stop.cancel();
    });
    println!("{} of {all} tasks ran under a candidate", *of_candidates.borrow());
    // As those who have not heard of the end, or repeat themselves: nothing is on trial, no consumer is left, and the class
    // has a place for one of them beside its own.
    for lane in Lane::ALL {
        for n in 0..3 {
            let task = Task {
                shard: Shard::Canary(n),
                ..mesh.task(&format!("late-{lane}-{n}"), lane, "pay")
            };
            mesh.publish(&task, "1").await.expect("accepted");
        }
    }
    for (lane, n) in Lane::ALL
        .into_iter()
        .flat_map(|lane| (0..3).map(move |n| (lane, n)))
    {
        let id = format!("late-{lane}-{n}");
        let record = mesh.result(&id).await.record;
        assert_eq!((record.state, record.policy), (State::Completed, Some(2)), "{id}");
    }
    mesh.lifecycle.stop(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_heard_of_a_policy_yet_buries_none_of_its_tasks() {
    for is_on_trial in [false, true] {
        // Its coordinator hears of nothing at first.
        let mesh = Mesh::start(TWO_CLASSES).await;
        let (shard, under) = match is_on_trial {
            true => (Shard::Canary(0), 2),
            false => (Shard::Stable(0), 1),
        };
        if is_on_trial {
            apply(&mesh.broker, &applying(version(1))).await.expect("applied");
            mesh.live.offer(PolicyVersion(1), &version(1)).expect("valid");
            begin_held(&mesh, with_model(2), &[50, 100]).await;
        } else {
            apply(&mesh.broker, &applying(with_model(1)))
                .await
                .expect("applied");
        }
        let model = ModelName::new("n").expect("a model's name");
        let task = Task {
            model,
            shard,
            ..mesh.task("new", Lane::Core, "pay")
        };
        let body = json!({"task_id": "new", "model": "n", "input": 1}).to_string();
        let original = Original::new(Bytes::from(body));
        mesh.broker
            .publish_task(&task, &original)
            .await
            .expect("accepted");
        // The audit has looked at both once the other one, which it knows what to do with, has a consumer.
        let other = Task {
            shard: Shard::Stable(7),
            ..mesh.task("other", Lane::Core, "pay")
        };
        mesh.publish(&other, "1").await.expect("accepted");
        until_queues(&mesh, |shards| shards.contains(&Shard::Stable(7))).await;
        let fence = mesh.broker.fence(&task.id).await.expect("NATS answers");
        assert_eq!(fence.map(|fence| fence.record.state), None);

        mesh.broker.follow_policy(&mesh.live, &mesh.lifecycle);
        let worker = Role::worker(mesh.server.url(), "w", 2, TWO_CLASSES).await;
        for (id, policy) in [("new", Some(under)), ("other", None)] {
            let record = mesh.result(id).await.record;
            assert_eq!(record.state, State::Completed, "{id}");
            assert!(
                policy.is_none_or(|policy| record.policy == Some(policy)),
                "{record:?}"
            );
        }
        drop(worker);
        mesh.stop().await;
    }
}
