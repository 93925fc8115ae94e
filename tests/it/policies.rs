//! Every rule between classes on a real server, beside the simulator: the same arrivals, the same worker, the same order.
//!
//! The simulator is run under many seeds, which move the worker's phase and the network. What a real mesh does lies in
//! the range of those runs, give or take what a machine adds that has other things to do: [`SHARE_MARGIN`] of the
//! service, and for waits [`WAIT_MARGIN_MS`] and [`WAIT_MARGIN`]. A task takes a slot for longer than it says,
//! for its result and its answer, and how much longer differs from moment to moment: each of the simulator's tasks comes
//! when it came on the real mesh and takes as long as it took there, and all of them a little longer for the way to the next one, as is told from when
//! the last task started.
//!
//! Tasks of a class are alike in what the rules compare. Were they not, a worker would know their order only of those it
//! has seen, and the order of all would hang on the moment at which heads are looked at.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fairlane::broker::publish::{Original, Published};
use fairlane::clock;
use fairlane::executor::simulate::Simulate;
use fairlane::executor::{Executor, Job as Asked, Outcome};
use fairlane::policy::Policy;
use fairlane::sim::plan::{ClassPlan, Mesh as SimMesh, Mode, Plan};
use fairlane::sim::workload::{Job, Source, WorkClass, Workload};
use fairlane::sim::{Hints, run};
use fairlane::task::{Lane, Moment, TenantId};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::{Answers, Mesh, PATIENCE, Turn};

/// Points of the service by which a class's share may be off.
const SHARE_MARGIN: f64 = 0.03;
/// What a mean or a 99th percentile of waits may be off by, in ms, and as a part of it.
const WAIT_MARGIN_MS: f64 = 120.0;
const WAIT_MARGIN: f64 = 0.10;

const CLASSES: [(&str, u32); 3] = [("gold", 50), ("silver", 30), ("bronze", 20)];
const SLOTS: u32 = 16;
/// Task cost, in ms: far above what a busy machine adds to it.
const COSTS_MS: [u64; 3] = [60, 100, 140];
/// Runs of the simulator.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=20;
/// Servers at the same time, where nothing is measured.
const AT_ONCE: usize = 2;

/// Tasks, and the time within which they arrive: at twice what the slots bear.
const TASKS: u64 = 640;
const WINDOW_US: u64 = 2_000_000;
/// What the way from a task to the next one may add to the time that it takes.
const LONGER_MAX: f64 = 1.15;

const RULES: [&str; 7] = [
    "weighted",
    "strict",
    "edf, edf: { infeasible: serve }",
    "score, score: { horizon_ms: 2000 }",
    "mlfq, mlfq: { quantum_ms: 400, boost_ms: 1000 }",
    "aging",
    "fifo",
];

fn document(rule: &str) -> String {
    // No task waits as long as that, so that none ends as expired.
    let [gold_ms, silver_ms, bronze_ms] = [3, 4, 5].map(|windows| windows * WINDOW_US / 1000);
    format!(
        "version: 1
scheduler: {{ between: {rule} }}
lanes:
  core:   {{ concurrency: 4096, timeout_ms: 30000, ack_wait_ms: 10000, max_priority: 9 }}
  normal: {{ concurrency: 4096, timeout_ms: 30000, ack_wait_ms: 10000 }}
classes:
  gold:   {{ priority: 1, share: 50, slo_ms: {gold_ms}, aging: {{ base: 20, alpha: 1.5 }} }}
  silver: {{ priority: 2, share: 30, slo_ms: {silver_ms}, aging: {{ base: 10, alpha: 1.5 }} }}
  bronze: {{ priority: 3, share: 20, slo_ms: {bronze_ms}, aging: {{ base: 0, alpha: 1.5 }} }}
default_class: bronze
models:
  m: {{ executor: simulate, cost: {{ unit: ms, initial: 20 }} }}
"
    )
}

/// The arrivals, drawn from a seed (splitmix64): the classes alike in number and cost, unlike in urgency, worth, time
/// to go and tenants.
fn arrivals() -> Vec<Job> {
    let mut state = 11_u64;
    let mut draw = |below: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    };
    let mut jobs: Vec<Job> = (0..TASKS)
        .map(|n| {
            let class = usize::try_from(n % 3).expect("it fits");
            let at_us = draw(WINDOW_US);
            let service_us = COSTS_MS[usize::try_from(draw(3)).expect("it fits")] * 1000;
            Job {
                at_us,
                class,
                tenant: u32::try_from(n % 3 + 3 * draw(2)).expect("it fits"),
                service_us,
                hint_us: service_us,
                deadline_us: (class == 1).then_some(at_us + WINDOW_US * 7 / 2),
                urgency: [8.0, 5.0, 3.0][class],
                business_weight: [5.0, 5.0, 4.0][class],
            }
        })
        .collect();
    jobs.sort_by_key(|job| job.at_us);
    jobs
}

/// When a task came and started and for how long it took its slot, in µs, beside what it was.
struct Start<'a> {
    job: &'a Job,
    came_us: u64,
    started_us: u64,
    taken_us: u64,
}

/// What the order amounts to: of each class its part of the service that began while arrivals went on, and its waits.
#[derive(Debug, Clone, Copy)]
struct Figures {
    share: f64,
    mean_ms: f64,
    p99_ms: f64,
}

fn figures(starts: &[Start<'_>]) -> [Figures; 3] {
    // The first quarter is left out: queues fill up, and nobody has seen a head yet.
    let counted = WINDOW_US / 4..WINDOW_US;
    let service = |class: Option<usize>| -> f64 {
        let of = starts.iter().filter(|start| counted.contains(&start.started_us));
        let of = of.filter(|start| class.is_none_or(|class| start.job.class == class));
        of.map(|start| start.job.service_us as f64).sum()
    };
    [0, 1, 2].map(|class| {
        let of = starts.iter().filter(|start| start.job.class == class);
        let mut waits: Vec<u64> = of
            .map(|start| start.started_us.saturating_sub(start.came_us))
            .collect();
        waits.sort_unstable();
        let rank = (waits.len() * 99).div_ceil(100).max(1);
        Figures {
            share: service(Some(class)) / service(None),
            mean_ms: waits.iter().sum::<u64>() as f64 / waits.len() as f64 / 1000.0,
            p99_ms: waits[rank - 1] as f64 / 1000.0,
        }
    })
}

/// The simulator's starts under one seed, with tasks that take `longer` times as long as the real ones did.
fn simulated<'a>(policy: &Policy, real: &[Start<'a>], longer: f64, seed: u64) -> Vec<Start<'a>> {
    let jobs: Vec<Job> = real
        .iter()
        .map(|start| Job {
            at_us: start.came_us,
            deadline_us: start
                .job
                .deadline_us
                .map(|by| start.came_us + by - start.job.at_us),
            service_us: (start.taken_us as f64 * longer) as u64,
            ..*start.job
        })
        .collect();
    let classes: Vec<WorkClass> = policy
        .classes
        .iter()
        .map(|class| WorkClass {
            name: class.name.to_string(),
            share: class.share,
            priority: class.priority,
            lane: Lane::Core,
            slo_ms: class.slo_ms.expect("each has one"),
            shards: 1,
            hand: 1,
        })
        .collect();
    let workload = Workload {
        name: "policies".to_owned(),
        load: None,
        slots: SLOTS,
        classes,
        source: Source::Open(jobs),
        warmup_us: 0,
        end_us: WINDOW_US,
    };
    let plan = Plan {
        policy: policy.scheduler.between.as_str().to_owned(),
        rules: policy.scheduler,
        classes: policy
            .classes
            .iter()
            .map(|class| ClassPlan {
                terms: class.terms(),
                max_concurrent: None,
                rate: None,
            })
            .collect(),
        mode: Mode::Mesh(SimMesh {
            round_trip_us: 2000,
            ..SimMesh::default()
        }),
        hints: Hints::ByClass,
    };
    let run = run(&workload, &plan, seed);
    assert_eq!(run.records.len(), real.len(), "all of them are served");
    let starts = real.iter().zip(&run.records);
    starts
        .map(|(start, record)| Start {
            started_us: record.started_us.expect("it was served"),
            ..*start
        })
        .collect()
}

/// How much longer a task keeps a slot from the next one than it takes it: every slot is taken until the last starts.
fn longer(policy: &Policy, real: &[Start<'_>]) -> f64 {
    let last = |of: &[Start<'_>]| of.iter().map(|start| start.started_us).max().unwrap_or(1) as f64;
    last(real) / last(&simulated(policy, real, 1.0, 1))
}

/// Says when each task starts, and takes as long as the task says.
struct Recorder(mpsc::Sender<(String, Moment)>);

impl Executor for Recorder {
    fn execute<'a>(&'a self, job: &'a Asked, cancel: &'a CancellationToken) -> BoxFuture<'a, Outcome> {
        let told = self.0.try_send((job.task.id.to_string(), clock::monotonic()));
        told.expect("there is room for all of them");
        Simulate.execute(job, cancel)
    }
}

/// Publishes a job as it is asked for, beside what else happens; its sequence.
fn publish(mesh: &Mesh, at: usize, job: &Job) -> JoinHandle<u64> {
    let now = clock::wall();
    let mut task = mesh.task(&format!("t{at}"), Lane::Core, CLASSES[job.class].0);
    task.tenant = TenantId::new(&format!("tenant{}", job.tenant)).expect("it is a name");
    task.facts.deadline = job.deadline_us.map(|by| now.plus_ms((by - job.at_us) / 1000));
    let body = format!(
        r#"{{"model":"m","urgency_score":{},"business_weight":{},"input":{{"service_ms":{}}}}}"#,
        job.urgency,
        job.business_weight,
        job.service_us / 1000
    );
    let broker = mesh.broker.clone();
    TaskTracker::new().spawn(async move {
        let published = broker
            .publish_task(&task, &Original::new(Bytes::from(body)))
            .await;
        let (Published::Stored(sequence) | Published::Duplicate(sequence)) =
            published.expect("the lane takes it");
        sequence
    })
}

/// When each task was acked, by its sequence.
async fn acks(mut answers: Answers, count: usize) -> HashMap<u64, Moment> {
    let mut acked = HashMap::new();
    while acked.len() < count {
        let answer = answers.next().await;
        if answer.word == "+ACK" {
            acked.insert(answer.sequence, clock::monotonic());
        }
    }
    acked
}

/// What a real mesh does with the jobs, in their order.
async fn real<'a>(turn: &Turn, rule: &str, jobs: &'a [Job]) -> Vec<Start<'a>> {
    let mesh = Mesh::start_within(turn, &document(rule)).await;
    let (told, mut starts) = mpsc::channel(jobs.len());
    mesh.worker("w1", SLOTS, Arc::new(Recorder(told))).await;
    let acked = TaskTracker::new().spawn(acks(Answers::on(&mesh.server).await, jobs.len()));
    let began = clock::monotonic();
    let mut published = Vec::new();
    for (at, job) in jobs.iter().enumerate() {
        // The time between arrivals is what is tested here, so it is really spent.
        tokio::time::sleep_until(clock::instant(began + Duration::from_micros(job.at_us))).await;
        published.push((clock::monotonic(), publish(&mesh, at, job)));
    }
    let mut started = HashMap::new();
    while started.len() < jobs.len() {
        let next = tokio::time::timeout(PATIENCE, starts.recv()).await;
        let (id, at) = next.expect("tasks go on starting").expect("the worker is there");
        started.insert(id, at);
    }
    let acked = acked.await.expect("every task is acked");
    let mut sent = Vec::new();
    for (at, sequence) in published {
        sent.push((at, sequence.await.expect("it is published")));
    }
    mesh.stop().await;
    let us = |time: Duration| u64::try_from(time.as_micros()).expect("it fits");
    let start = |(at, job): (usize, &'a Job)| {
        let started = started[&format!("t{at}")];
        let (came, sequence) = sent[at];
        Start {
            job,
            came_us: us(came.since(began)),
            started_us: us(started.since(began)),
            taken_us: us(acked[&sequence].since(started)),
        }
    };
    jobs.iter().enumerate().map(start).collect()
}

/// What is wrong with a figure, if it lies outside of what the simulator says.
fn off(
    what: &str,
    got: f64,
    simulated: impl Iterator<Item = f64>,
    margin: impl Fn(f64) -> f64,
) -> Option<String> {
    let (low, high) = simulated.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| {
        (l.min(x), h.max(x))
    });
    let is_in = got >= low - margin(low) && got <= high + margin(high);
    eprintln!(
        "{what}: {got:.3}, simulated {low:.3} to {high:.3}{}",
        if is_in { "" } else { " <<<" }
    );
    (!is_in).then(|| format!("{what}: {got:.3}, simulated {low:.3} to {high:.3}"))
}

async fn check(turn: &Turn, rule: &str) -> Vec<String> {
    let jobs = arrivals();
    let policy = fairlane::config::parse_policy("p.yaml", &document(rule)).expect("it is a policy");
    let real = real(turn, rule, &jobs).await;
    let longer = longer(&policy, &real);
    let got = figures(&real);
    let simulated: Vec<[Figures; 3]> = SEEDS
        .map(|seed| figures(&simulated(&policy, &real, longer, seed)))
        .collect();
    let name = policy.scheduler.between.as_str();
    eprintln!("{name}: a slot is kept {longer:.3} times as long as it is taken");
    let mut faults = Vec::new();
    faults.extend((longer > LONGER_MAX).then(|| format!("{name}: slots are idle, {longer:.3}")));
    for (at, (class, _)) in CLASSES.into_iter().enumerate() {
        let of = |pick: fn(&Figures) -> f64| simulated.iter().map(move |run| pick(&run[at]));
        let wait = |ms: f64| WAIT_MARGIN_MS + ms * WAIT_MARGIN;
        type Of = fn(&Figures) -> f64;
        let (share, mean, p99): (Of, Of, Of) = (|f| f.share, |f| f.mean_ms, |f| f.p99_ms);
        faults.extend(off(
            &format!("{name} {class} share"),
            got[at].share,
            of(share),
            |_| SHARE_MARGIN,
        ));
        faults.extend(off(
            &format!("{name} {class} mean wait"),
            got[at].mean_ms,
            of(mean),
            wait,
        ));
        faults.extend(off(
            &format!("{name} {class} p99 wait"),
            got[at].p99_ms,
            of(p99),
            wait,
        ));
    }
    faults
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no settings: make policies asks for a verdict this way"
)]
fn is_measured() -> bool {
    std::env::var_os("POLICIES_MEASURED").is_some()
}

/// Servers at the same time; one has the machine to itself where it is measured.
fn at_once() -> usize {
    if is_measured() { 1 } else { AT_ONCE }
}

/// Shares and waits are figures of time, which a machine with other work gets wrong: they are judged by `make policies`
/// alone, which sets `POLICIES_MEASURED`, and only shown otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn every_rule_serves_all_that_comes_to_a_real_mesh_and_as_simulated_where_that_is_measured() {
    let turn = Turn::alone().await;
    let checked: Vec<Vec<String>> = futures_util::stream::iter(RULES)
        .map(|rule| check(&turn, rule))
        .buffer_unordered(at_once())
        .collect()
        .await;
    let faults = checked.concat();
    if !is_measured() {
        return;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
