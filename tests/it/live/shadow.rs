//! A policy that is asked what it would do, and not obeyed.

use std::sync::Arc;
use std::time::Duration;

use fairlane::executor::simulate::Simulate;
use fairlane::gateway::{ShadowStatus, apply, begin_shadow, end_shadow, shadow_status};

use super::canary::Scene;
use super::documents::{applying, version};
use crate::support::{Mesh, PATIENCE};

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Tasks of each class that wait.
const BACKLOG: usize = 1_000;

/// Under which the class that is more urgent always comes first.
fn turned_round() -> String {
    version(1).replace("version: 1\n", "version: 1\nscheduler: { between: strict }\n")
}

async fn until(mesh: &Mesh, is_so: impl Fn(&ShadowStatus) -> bool) -> ShadowStatus {
    let mut every = tokio::time::interval(LOOK_EVERY);
    let looked = async {
        loop {
            every.tick().await;
            let status = shadow_status(&mesh.broker).await.expect("NATS answers");
            if is_so(&status) {
                return status;
            }
        }
    };
    tokio::time::timeout(PATIENCE, looked)
        .await
        .expect("it is so in time")
}

fn picks(status: &ShadowStatus) -> u64 {
    status.shadow.as_ref().map_or(0, |shadow| shadow.picks)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_asked_at_every_pick_and_nothing_runs_under_it() {
    let scene = Scene::on(Mesh::start_alone(&version(0)).await, Arc::new(Simulate)).await;
    let broker = &scene.mesh.broker;
    let candidate = begin_shadow(broker, &applying(turned_round()))
        .await
        .expect("it is asked");
    assert_eq!(candidate.0, 2);
    let mesh = &scene.mesh;
    for class in ["pay", "bulk"] {
        mesh.submit_many(class, BACKLOG, r#"{"service_ms":5}"#).await;
    }
    let status = until(mesh, |status| picks(status) > BACKLOG as u64).await;
    assert_eq!(status.stable, 1);
    let shadow = status.shadow.expect("one is asked");
    assert_eq!((shadow.candidate, shadow.workers), (2, 4));
    let classes: u64 = shadow.classes.iter().map(|class| class.would_have).sum();
    assert_eq!(classes, shadow.picks, "{shadow:?}");
    // Now and then the other way round: nobody is passed over for ever.
    let first = shadow.pairs.first().expect("it would choose otherwise");
    assert_eq!(
        (first.class.as_str(), first.instead.as_str()),
        ("bulk", "pay"),
        "{shadow:?}"
    );

    // It goes on being asked beside the next one, and is counted anew by those that choose otherwise by then.
    let next = version(2);
    assert_eq!(apply(broker, &applying(next)).await.expect("applied").version, 3);
    let status = shadow_status(broker).await.expect("NATS answers");
    assert_eq!(status.shadow.map(|shadow| shadow.candidate), Some(2));

    end_shadow(broker, None).await.expect("it is asked no more");
    let gone = |workers: Vec<fairlane::broker::registry::Registered>| {
        workers.iter().all(|worker| worker.beat.shadow.is_none())
    };
    let mut every = tokio::time::interval(LOOK_EVERY);
    let forgotten = async {
        while !gone(broker.workers().await.expect("NATS answers")) {
            every.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, forgotten)
        .await
        .expect("workers hear of it");
    scene.mesh.stop().await;
}
