//! A lane's limit is lowered and raised while it is full.

use std::time::Duration;

use fairlane::clock;
use fairlane::gateway::apply;
use fairlane::task::Moment;

use super::documents::applying;
use crate::support::{Bare, Mesh, PATIENCE, Probe};

/// One class on one model: core's places are all its own.
const POLICY: &str = "
version: 1
lanes:
  core:   { concurrency: PLACES, timeout_ms: 120000, ack_wait_ms: 30000, max_priority: 9 }
  normal: { concurrency: 20, timeout_ms: 120000, ack_wait_ms: 30000 }
classes:
  pay: { priority: 1, share: 1 }
default_class: pay
models:
  m: { executor: simulate, cost: { unit: ms, initial: 200 } }
";
const SERVICE: Duration = Duration::from_millis(200);
const TASKS: usize = 2_000;
/// How often it is looked how many run.
const LOOK_EVERY: Duration = Duration::from_millis(2);

fn places(count: u32) -> String {
    POLICY.replace("PLACES", &count.to_string())
}

/// Looks until so many run; when that was.
async fn until(probe: &Probe, what: &str, is_so: impl Fn(u32) -> bool) -> Moment {
    let mut every = tokio::time::interval(LOOK_EVERY);
    let looked = async {
        while !is_so(probe.running()) {
            every.tick().await;
        }
        clock::monotonic()
    };
    let so = tokio::time::timeout(PATIENCE, looked).await;
    so.unwrap_or_else(|_| panic!("{what}: never; {} run", probe.running()))
}

#[tokio::test(flavor = "multi_thread")]
async fn running_tasks_follow_core_s_limit_down_and_up_and_none_is_delivered_again() {
    let mesh = Mesh::start(&places(100)).await;
    mesh.broker.follow_policy(&mesh.live, &mesh.lifecycle);
    let (probe, _starts) = Probe::timed(SERVICE);
    let _worker = mesh.following_worker("w", 256, probe.clone()).await;
    mesh.submit_many("pay", TASKS, "0").await;
    until(&probe, "core is full", |running| running == 100).await;
    assert_eq!(probe.most(), 100);

    let lowered = clock::monotonic();
    apply(&mesh.broker, &applying(places(5))).await.expect("applied");
    let obeyed = until(&probe, "few run", |running| running <= 5).await;
    probe.forget_most();
    // Many tasks later it is still so.
    for _ in 0..8 {
        until(&probe, "some end", |running| running < 5).await;
        until(&probe, "others begin", |running| running == 5).await;
    }
    assert_eq!(probe.most(), 5, "five places, and not one more");

    let raised = clock::monotonic();
    apply(&mesh.broker, &applying(places(200)))
        .await
        .expect("applied");
    let full = until(&probe, "core is full again", |running| running == 200).await;
    println!(
        "from 100 to 5 within {:?}, to 200 within {:?}; a task takes {SERVICE:?}",
        obeyed.since(lowered),
        full.since(raised)
    );
    for n in 0..TASKS {
        mesh.result(&format!("pay-{n}")).await;
    }
    assert_eq!(probe.most(), 200);
    assert_eq!(probe.started(), TASKS, "each was delivered once");
    Bare::of(&mesh.server).await.until_empty("FL_CORE").await;
    mesh.lifecycle.stop(PATIENCE).await;
}
