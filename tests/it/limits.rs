//! A class at its limit holds nobody else up, and never passes the limit.

use std::collections::HashMap;

use crate::support::{Mesh, Probe, Starts};

/// `held` may run two at once and has the larger share; `ready` may use every slot.
const TWO_OF_HELD: &str = "
version: 1
lanes:
  core:   { concurrency: 1024, timeout_ms: 120000, ack_wait_ms: 3000, max_priority: 9 }
  normal: { concurrency: 1024, timeout_ms: 120000, ack_wait_ms: 3000 }
classes:
  held:  { priority: 1, share: 90, max_concurrent: 2 }
  ready: { priority: 2, share: 10 }
default_class: ready
models:
  m: { executor: simulate, cost: { unit: ms, initial: 5 } }
";

async fn classes_of(starts: &mut Starts, count: usize) -> HashMap<String, usize> {
    let mut classes = HashMap::new();
    for _ in 0..count {
        let (class, _) = starts.recv().await.expect("tasks go on starting");
        *classes.entry(class).or_default() += 1;
    }
    classes
}

async fn a_ready_class_has_the_other_slots(workers: u32, slots: u32) {
    let mesh = Mesh::start(TWO_OF_HELD).await;
    let (probe, mut starts) = Probe::gated();
    for n in 0..workers {
        mesh.worker(&format!("w{n}"), slots, probe.clone()).await;
    }
    mesh.submit_many("held", 100, "0").await;
    let first = classes_of(&mut starts, 2).await;
    assert_eq!(first, HashMap::from([("held".into(), 2)]));

    mesh.submit_many("ready", 50, "0").await;
    let others = workers * slots - 2;
    let next = classes_of(&mut starts, others as usize).await;
    assert_eq!(next, HashMap::from([("ready".into(), others as usize)]));

    // One by one, while both have tasks left: the limit holds in every one of these moments.
    for _ in 0..30 {
        probe.release(1);
        starts.recv().await.expect("tasks go on starting");
    }
    probe.release(200);
    for (class, count) in [("held", 100), ("ready", 50)] {
        for n in 0..count {
            mesh.result(&format!("{class}-{n}")).await;
        }
    }
    assert_eq!((probe.most_of("held"), probe.most()), (2, workers * slots));
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_at_its_limit_leaves_the_other_slots_of_a_worker_to_a_ready_class() {
    a_ready_class_has_the_other_slots(1, 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_at_its_limit_leaves_the_other_slots_of_four_workers_to_a_ready_class() {
    a_ready_class_has_the_other_slots(4, 2).await;
}
