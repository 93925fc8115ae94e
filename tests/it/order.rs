//! The order in which a real worker starts what waits, under every rule: one slot, and all that waits is seen before the
//! first task is chosen.
//!
//! What a task is charged is what the executor says, beside which the time that it takes on this machine is nothing. Of a
//! machine that stalls for longer than the worker waits for an answer the order says nothing: the worker turns to another
//! queue then. It counts that, and such a run is repeated.

use std::sync::Arc;

use bytes::Bytes;
use fairlane::broker::publish::Original;
use fairlane::clock;
use fairlane::executor::{Cost, Executed, Executor, Job, Outcome};
use fairlane::metrics::WorkerMetrics;
use fairlane::task::{EpochMs, Lane, TenantId};
use fairlane::wire::{LaneView, read_view};
use futures_util::future::BoxFuture;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::support::{Bare, Heard, Mesh, PATIENCE, Probe, Starts, Turn};

/// What a task is charged where nothing else is said, in ms.
const COST_MS: f64 = 100_000.0;
/// Runs until one is undisturbed.
const RUNS_MAX: u32 = 20;
/// Views that the worker hears after one that has everything was heard here: two of each lane.
const VIEWS_MORE: u64 = 4;

/// A task that waits.
#[derive(Clone, Copy)]
struct Waits {
    class: &'static str,
    /// For how long already, in s.
    for_s: u64,
    /// Within which its deadline is, in s.
    deadline_s: Option<u64>,
    urgency: u32,
    worth: u32,
    /// What it says it costs, and what it does, in ms.
    said_ms: Option<f64>,
    cost_ms: f64,
}

/// One that waits for so long.
const fn waits(class: &'static str, for_s: u64) -> Waits {
    Waits {
        class,
        for_s,
        deadline_s: None,
        urgency: 0,
        worth: 0,
        said_ms: None,
        cost_ms: COST_MS,
    }
}

/// A worker at work on a task that holds its slot, and what waits meanwhile.
struct Scene {
    mesh: Mesh,
    probe: Arc<Probe>,
    starts: Starts,
    views: Heard,
    counted: PrometheusHandle,
}

/// Ends tasks when the test says so, and charges what it says.
struct Priced {
    probe: Arc<Probe>,
    costs: Vec<Waits>,
}

impl Executor for Priced {
    fn execute<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        self.probe.execute(job, cancel)
    }

    fn execute_at_cost<'a>(&'a self, job: &'a Job, cancel: &'a CancellationToken) -> BoxFuture<'a, Executed> {
        Box::pin(async move {
            let of_class = self.costs.iter().find(|of| of.class == job.task.class.as_str());
            Executed {
                outcome: self.probe.execute(job, cancel).await,
                cost: Cost::Ms(of_class.map_or(0.0, |of| of.cost_ms)),
            }
        })
    }
}

fn document(rule: &str, classes: &str) -> String {
    format!(
        "version: 1
scheduler: {{ between: {rule} }}
lanes:
  core:   {{ concurrency: 4096, timeout_ms: 120000, ack_wait_ms: 10000, max_priority: 9 }}
  normal: {{ concurrency: 4096, timeout_ms: 120000, ack_wait_ms: 10000 }}
classes:
{classes}
  plug: {{ priority: 9, share: 1 }}
default_class: plug
models:
  m: {{ executor: simulate, cost: {{ unit: ms, initial: {COST_MS} }} }}
"
    )
}

impl Scene {
    async fn open(turn: &Turn, document: &str, tasks: &[Waits]) -> Self {
        let mesh = Mesh::start_within(turn, document).await;
        let views = Bare::of(&mesh.server).await.hear("fl.view.core").await;
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = metrics::with_local_recorder(&recorder, WorkerMetrics::new);
        let (probe, mut starts) = Probe::gated();
        let executor = Arc::new(Priced {
            probe: probe.clone(),
            costs: tasks.to_vec(),
        });
        mesh.worker_that_counts("w", executor, metrics).await;
        mesh.submit("plug", "plug", "1").await.expect("accepted");
        assert_eq!(next(&mut starts).await, "plug");
        Self {
            mesh,
            probe,
            starts,
            views,
            counted: recorder.handle(),
        }
    }

    async fn publish(&self, tasks: &[Waits]) {
        let now = clock::wall();
        for (n, of) in tasks.iter().enumerate() {
            let mut task = self.mesh.task(&format!("t{n}"), Lane::Core, of.class);
            task.tenant = TenantId::new(of.class).expect("it is a name");
            task.enqueued_at = EpochMs(now.0 - i64::try_from(of.for_s * 1000).expect("it fits"));
            task.facts.deadline = of.deadline_s.map(|s| now.plus_ms(s * 1000));
            task.facts.cost = of.said_ms;
            let body = format!(
                r#"{{"model":"m","input":1,"urgency_score":{},"business_weight":{}}}"#,
                of.urgency, of.worth
            );
            let original = Original::new(Bytes::from(body));
            let published = self.mesh.broker.publish_task(&task, &original).await;
            published.expect("the lane takes it");
        }
    }

    /// Waits until the worker has been told of all that waits.
    async fn until_seen(&mut self, tasks: usize, has_heads: bool) {
        let has_all = |view: &LaneView| {
            let waiting = || view.queues.iter().filter(|queue| queue.depth > 0);
            let depth: u64 = waiting().map(|queue| queue.depth).sum();
            depth == tasks as u64 && (!has_heads || waiting().all(|queue| queue.head.is_some()))
        };
        while !has_all(&read_view(&self.views.next().await.payload).expect("a view")) {}
        let before = self.count("fairlane_views_total", |_| true);
        while self.count("fairlane_views_total", |_| true) < before + VIEWS_MORE {
            self.views.next().await;
        }
    }

    /// The sum over what was counted under a name.
    fn count(&self, name: &str, is_meant: impl Fn(&str) -> bool) -> u64 {
        let text = self.counted.render();
        let of = text
            .lines()
            .filter(|line| line.starts_with(name) && is_meant(line));
        let number = |line: &str| {
            line.rsplit(' ')
                .next()
                .and_then(|number| number.parse::<u64>().ok())
        };
        of.filter_map(number).sum()
    }

    /// Asks that did not bring what was there, and choices without a view.
    fn disturbances(&self) -> u64 {
        let missed = |line: &str| line.contains(r#"kind="ask""#) && !line.contains(r#"outcome="filled""#);
        let missed = self.count("fairlane_pulls_total", missed);
        missed + self.count("fairlane_blind_picks_total", |_| true)
    }
}

async fn next(starts: &mut Starts) -> String {
    let next = tokio::time::timeout(PATIENCE, starts.recv()).await;
    next.expect("something starts").expect("the probe is there").0
}

/// The classes of the first `count` tasks that are started.
async fn order(rule: &str, classes: &str, tasks: &[Waits], count: usize) -> Vec<String> {
    let turn = Turn::alone().await;
    let document = document(rule, classes);
    let has_heads = !rule.starts_with("weighted") && !rule.starts_with("strict");
    for _ in 0..RUNS_MAX {
        let mut scene = Scene::open(&turn, &document, tasks).await;
        scene.publish(tasks).await;
        scene.until_seen(tasks.len(), has_heads).await;
        let before = scene.disturbances();
        scene.probe.release(1 + tasks.len());
        let mut started = Vec::new();
        while started.len() < count {
            started.push(next(&mut scene.starts).await);
        }
        let is_undisturbed = scene.disturbances() == before;
        scene.mesh.stop().await;
        if is_undisturbed {
            return started;
        }
        eprintln!("{rule}: the machine stalled, so that this says nothing: {started:?}");
    }
    panic!("{rule}: this machine stalls whenever {count} tasks are started");
}

async fn check(rule: &str, classes: &str, tasks: &[Waits], expected: &str) {
    let started = order(rule, classes, tasks, tasks.len()).await;
    assert_eq!(started.join(" "), expected, "{rule}");
}

const ALIKE: &str = "  a: { priority: 1, share: 1 }
  b: { priority: 1, share: 1 }
  c: { priority: 1, share: 1 }
  d: { priority: 1, share: 1 }
  e: { priority: 1, share: 1 }";

#[tokio::test(flavor = "multi_thread")]
async fn fifo_starts_the_oldest_head() {
    let tasks = [("a", 30), ("b", 10), ("c", 50), ("d", 20), ("e", 40)];
    let tasks = tasks.map(|(class, minutes)| waits(class, minutes * 60));
    check("fifo", ALIKE, &tasks, "c e a d b").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_starts_the_most_urgent_class_until_it_is_empty() {
    let classes = "  a: { priority: 5, share: 50 }
  b: { priority: 2, share: 10 }
  c: { priority: 4, share: 20 }
  d: { priority: 1, share: 1 }
  e: { priority: 3, share: 10 }";
    let tasks = ["a", "a", "b", "c", "d", "d", "d", "e", "e"].map(|class| waits(class, 0));
    let rule = "strict, strict: { floor: 0 }";
    check(rule, classes, &tasks, "d d d b e e c a a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edf_starts_what_is_due_first_by_its_own_deadline_or_its_classs() {
    let classes = ALIKE.replace("d: { priority: 1", "d: { slo_ms: 7200000, priority: 1");
    let within = |class, hours: u64| Waits {
        deadline_s: Some(hours * 3_600),
        ..waits(class, 0)
    };
    let tasks = [
        within("a", 4),
        within("b", 1),
        within("c", 3),
        waits("d", 0),
        waits("e", 60),
    ];
    check("edf, edf: { infeasible: serve }", &classes, &tasks, "b d c a e").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aging_starts_the_highest_base_and_wait() {
    let classes = "  a: { priority: 1, share: 1, aging: { base: 0, alpha: 0.01 } }
  b: { priority: 1, share: 1, aging: { base: 100000, alpha: 0.01 } }
  c: { priority: 1, share: 1, aging: { base: 0, alpha: 0.01 } }
  d: { priority: 1, share: 1, aging: { base: 1000, alpha: 0.01 } }
  e: { priority: 1, share: 1, aging: { base: 10, alpha: 0.01 } }";
    // Scores of 22,026, 100,001, 148, 1,001 and 11: a would pass b in two minutes and a half.
    let tasks = [("a", 1_000), ("b", 0), ("c", 500), ("d", 0), ("e", 0)];
    let tasks = tasks.map(|(class, for_s)| waits(class, for_s));
    check("aging", classes, &tasks, "b a d c e").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn score_starts_what_is_worth_most_of_those_that_wait_alike() {
    // Of 40 % urgency and 35 % business weight: 0.395, 0.515, 0.75, 0.075 and 0.455.
    let tasks = [("a", 9, 1), ("b", 5, 9), ("c", 10, 10), ("d", 1, 1), ("e", 7, 5)];
    let tasks = tasks.map(|(class, urgency, worth)| Waits {
        urgency,
        worth,
        ..waits(class, 3_600)
    });
    check("score", ALIKE, &tasks, "c b e a d").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mlfq_starts_whose_tenant_had_least_and_what_costs_much_below_all() {
    let of = |class, for_s, cost_ms, said_ms| Waits {
        cost_ms,
        said_ms,
        ..waits(class, for_s)
    };
    let mut tasks = vec![of("d", 4_000, COST_MS, Some(3_000_000.0))];
    tasks.extend([of("c", 3_000, 650_000.0, None); 2]);
    tasks.extend([of("b", 2_000, 260_000.0, None); 3]);
    tasks.extend([of("a", 1_000, 100_000.0, None); 7]);
    let rule = "mlfq, mlfq: { quantum_ms: 800000, boost_ms: 86400000 }";
    // The oldest first among those that had nothing, and then 100 of a, 260 of b and 650 of c at a time.
    check(rule, ALIKE, &tasks, "c b a a a b a a a b a c d").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn weighted_starts_classes_by_their_shares() {
    let classes = "  a: { priority: 1, share: 50 }
  b: { priority: 2, share: 30 }
  c: { priority: 3, share: 20 }";
    let tasks: Vec<Waits> = [("a", 14), ("b", 10), ("c", 8)]
        .into_iter()
        .flat_map(|(class, count)| vec![waits(class, 0); count])
        .collect();
    let started = order("weighted", classes, &tasks, 20).await;
    let counts = ["a", "b", "c"].map(|class| started.iter().filter(|of| *of == class).count());
    assert_eq!(counts, [10, 6, 4], "{started:?}");
}
