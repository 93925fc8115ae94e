//! A lane's limit over its consumers: never passed, and what one does not use reaches the other.

use std::sync::Arc;
use std::time::Duration;

use fairlane::broker::Broker;
use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::task::{Lane, Moment};
use nix::sys::signal::Signal;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::support::{Bare, Mesh, PATIENCE, Probe, Role};

const LANE: u64 = 20;
/// Two classes alike, which share 20 places.
const TWENTY: &str = "
version: 1
lanes:
  core:   { concurrency: 20, timeout_ms: 120000, ack_wait_ms: 10000, max_priority: 9 }
  normal: { concurrency: 20, timeout_ms: 120000, ack_wait_ms: 10000 }
classes:
  a: { priority: 1, share: 50 }
  b: { priority: 2, share: 50 }
default_class: b
models:
  m: { executor: simulate, cost: { unit: ms, initial: 50 } }
";
/// Slots of the worker: far more than the lane has places.
const SLOTS: u32 = 64;
/// How often the server is asked how many are out.
const SAMPLE_EVERY: Duration = Duration::from_millis(20);
/// What the design allows from the end of the last task of one class until the other has its places.
const REACH: Duration = Duration::from_millis(2500);
/// One period of the leader, and what a busy machine adds.
const CORRECTED: Duration = Duration::from_millis(2000);

/// The lane at one moment: limit and tasks out of each class.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    at: Moment,
    limit: [u64; 2],
    out: [u64; 2],
}

impl Sample {
    fn running(&self) -> u64 {
        self.out.iter().sum()
    }

    /// What is out and may be out.
    fn committed(&self) -> u64 {
        self.limit
            .iter()
            .zip(self.out)
            .map(|(limit, out)| out.max(*limit))
            .sum()
    }
}

/// Looks at the consumers again and again.
struct Watch {
    seen: watch::Receiver<Vec<Sample>>,
    looking: JoinHandle<()>,
}

impl Watch {
    fn over(broker: &Broker) -> Self {
        let (tell, seen) = watch::channel(Vec::new());
        let broker = broker.clone();
        let looking = TaskTracker::new().spawn(async move {
            let mut every = tokio::time::interval(SAMPLE_EVERY);
            loop {
                every.tick().await;
                let sample = sample(&broker).await;
                tell.send_modify(|all: &mut Vec<Sample>| all.push(sample));
            }
        });
        Self { seen, looking }
    }

    /// The first look from now on at which it is so.
    async fn until(&mut self, what: &str, is_so: impl Fn(&Sample) -> bool) -> Sample {
        let latest = |all: &Vec<Sample>| all.last().copied().unwrap_or_default();
        let so = self.seen.wait_for(|all| is_so(&latest(all)));
        let found = tokio::time::timeout(PATIENCE, so)
            .await
            .map(|so| so.map(|all| latest(&all)));
        match found {
            Ok(Ok(sample)) => sample,
            _ => panic!("{what}: never; last {:?}", self.seen.borrow().last()),
        }
    }

    /// Everything that was seen.
    fn stop(self) -> Vec<Sample> {
        self.looking.abort();
        self.seen.borrow().clone()
    }
}

async fn sample(broker: &Broker) -> Sample {
    let queues = broker.queues(Lane::Core).await.expect("the server answers");
    let mut sample = Sample {
        at: clock::monotonic(),
        ..Sample::default()
    };
    for queue in queues {
        let class = usize::from(queue.route.class.as_str() == "b");
        (sample.limit[class], sample.out[class]) = (queue.limit, queue.out);
    }
    sample
}

fn most(samples: &[Sample], of: impl Fn(&Sample) -> u64) -> u64 {
    samples.iter().map(of).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn running_never_passes_the_lane_s_limit_while_demand_swings() {
    let mesh = Mesh::start(TWENTY).await;
    let (probe, _starts) = Probe::timed(Duration::from_millis(50));
    mesh.worker("w", SLOTS, probe.clone()).await;
    let mut watch = Watch::over(&mesh.broker);
    mesh.submit_many("a", 1000, "0").await;
    watch
        .until("a has nearly all places", |seen| seen.out[0] >= 18)
        .await;
    mesh.submit_many("b", 1400, "0").await;
    watch.until("b has its half", |seen| seen.out[1] >= 9).await;
    watch.until("a is done", |seen| seen.out[0] == 0).await;
    watch
        .until("b has nearly all places", |seen| seen.out[1] >= 18)
        .await;
    for (class, count) in [("a", 1000), ("b", 1400)] {
        for n in 0..count {
            mesh.result(&format!("{class}-{n}")).await;
        }
    }
    let seen = watch.stop();
    eprintln!(
        "{} looks; most running {} at the server, {} at the executor, most committed {}",
        seen.len(),
        most(&seen, Sample::running),
        probe.most(),
        most(&seen, Sample::committed)
    );
    assert!(most(&seen, Sample::committed) <= LANE, "{seen:?}");
    assert!(u64::from(probe.most()) <= LANE, "{}", probe.most());
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_one_class_does_not_use_reach_the_other_soon_after_they_have_drained() {
    let mesh = Mesh::start(TWENTY).await;
    mesh.worker("w", SLOTS, Arc::new(Simulate)).await;
    let mut watch = Watch::over(&mesh.broker);
    // What runs ends by itself, and nothing follows it.
    mesh.submit_many("a", 19, r#"{"service_ms":4000}"#).await;
    watch
        .until("a has nearly all places", |seen| seen.out[0] == 19)
        .await;
    mesh.submit_many("b", 40, r#"{"service_ms":60000}"#).await;
    watch
        .until("b has the one that is left", |seen| seen.out[1] == 1)
        .await;
    let drained = watch.until("a is done", |seen| seen.out[0] == 0).await;
    let reached = watch.until("b has them", |seen| seen.out[1] >= 19).await;
    let took = reached.at.since(drained.at);
    eprintln!("the places reached the other class {took:?} after the last had drained");
    let seen = watch.stop();
    assert!(most(&seen, Sample::committed) <= LANE, "{seen:?}");
    assert!(took <= REACH, "{took:?}");
    // Without waiting for what runs.
    mesh.lifecycle.stop(Duration::ZERO).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_frozen_lets_no_more_run_and_an_over_run_is_corrected_in_one_period() {
    let mesh = Mesh::start(TWENTY).await;
    mesh.coordinator.stop(PATIENCE).await;
    let file = tempfile::NamedTempFile::new().expect("there is a place for temporary files");
    std::fs::write(file.path(), TWENTY).expect("it can be written");
    let policy = file.path().to_str().expect("a path in UTF-8");
    let mut frozen = Role::start(&["coordinator", "--nats", mesh.server.url(), "--policy", policy]);
    frozen.says("who leads has changed leading=true").await;
    let (probe, _starts) = Probe::timed(Duration::from_millis(200));
    mesh.worker("w", SLOTS, probe.clone()).await;
    let mut watch = Watch::over(&mesh.broker);
    mesh.submit_many("a", 1200, "0").await;
    watch
        .until("a has nearly all places", |seen| seen.out[0] >= 18)
        .await;
    frozen.signal(Signal::SIGSTOP);
    mesh.coordinator().await;
    mesh.submit_many("b", 1200, "0").await;
    // It takes over when the lease has ended, and moves places.
    watch.until("b has its half", |seen| seen.out[1] >= 9).await;
    frozen.signal(Signal::SIGCONT);
    frozen.says("who leads has changed leading=false").await;

    // What one that was frozen between its look and its write would do at worst.
    let before = watch.seen.borrow().clone();
    Bare::of(&mesh.server)
        .await
        .limit_consumer("FL_CORE", "b=m=0", 20)
        .await;
    let over = clock::monotonic();
    let right = watch
        .until("it is corrected", |seen| {
            seen.at > over && seen.limit.iter().sum::<u64>() <= LANE
        })
        .await;
    let drained = watch
        .until("it has drained", |seen| {
            seen.at > over && seen.committed() <= LANE
        })
        .await;
    eprintln!(
        "most committed {} over {} looks; the over-run was corrected after {:?} and had drained after {:?}",
        most(&before, Sample::committed),
        before.len(),
        right.at.since(over),
        drained.at.since(over)
    );
    assert!(most(&before, Sample::committed) <= LANE, "{before:?}");
    assert!(right.at.since(over) <= CORRECTED, "{:?}", right.at.since(over));
    frozen.signal(Signal::SIGTERM);
    let (status, log) = frozen.ended().await;
    assert!(status.success(), "{status}\n{log}");
    watch.stop();
    mesh.stop().await;
}
