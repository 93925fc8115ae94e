//! Shares between backlogged classes on a real server.

use std::collections::HashMap;
use std::time::Duration;

use crate::support::{FOUR_CLASSES, Mesh, Probe, Starts};

const CLASSES: [&str; 4] = ["a", "b", "c", "d"];
/// Long against what a busy machine adds to it: service is counted in time, the shares here in tasks.
const SERVICE: Duration = Duration::from_millis(20);
const SHARES: [f64; 4] = [0.4, 0.3, 0.2, 0.1];

/// Counts the first `count` starts by class.
async fn count_starts(starts: &mut Starts, count: usize) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for _ in 0..count {
        let (class, _) = starts.recv().await.expect("tasks go on starting");
        *counts.entry(class).or_default() += 1;
    }
    counts
}

fn assert_shares(counts: &HashMap<String, usize>, all: usize) {
    for (class, share) in CLASSES.into_iter().zip(SHARES) {
        let got = counts.get(class).copied().unwrap_or(0) as f64 / all as f64;
        assert!(
            (got - share).abs() <= 0.02,
            "class {class} got {got:.3} instead of {share}: {counts:?}"
        );
    }
}

async fn shares_with_workers(workers: u32, slots: u32) {
    let mesh = Mesh::start_alone(FOUR_CLASSES).await;
    // The largest class has 1,100 tasks, so that all four are backlogged for the first 2,000 starts.
    for (class, count) in CLASSES.into_iter().zip([1100, 900, 700, 500]) {
        mesh.submit_many(class, count, "0").await;
    }
    let (probe, mut starts) = Probe::timed(SERVICE);
    for n in 0..workers {
        mesh.worker(&format!("w{n}"), slots, probe.clone()).await;
    }
    let counts = count_starts(&mut starts, 2000).await;
    assert_shares(&counts, 2000);
    assert!(probe.most() <= workers * slots, "{} ran at once", probe.most());
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_worker_serves_four_backlogged_classes_by_their_shares() {
    shares_with_workers(1, 16).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_workers_serve_four_backlogged_classes_by_their_shares() {
    shares_with_workers(4, 4).await;
}
