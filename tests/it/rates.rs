//! How many tasks of a class or model start in a time, over all workers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fairlane::task::Moment;

use crate::support::{Clocked, Mesh, PATIENCE, Probe, Times, most_owed};

/// `limited` has the larger share and may start 50 tasks a second; `ready` may use every slot.
const FIFTY: &str = "
version: 1
lanes:
  core:   { concurrency: 4096, timeout_ms: 120000, ack_wait_ms: 3000, max_priority: 9 }
  normal: { concurrency: 4096, timeout_ms: 120000, ack_wait_ms: 3000 }
classes:
  limited: { priority: 1, share: 90, rate: { per_s: 50, burst: 10 } }
  ready:   { priority: 2, share: 10 }
default_class: ready
models:
  m: { executor: simulate, cost: { unit: ms, initial: 5 } }
";
const PER_S: f64 = 50.0;
const BURST: f64 = 10.0;
/// How long is counted.
const SPAN: Duration = Duration::from_secs(4);
const SERVICE: Duration = Duration::from_millis(5);
/// Longer than a burst takes to come.
const QUIET: Duration = Duration::from_millis(300);
/// A start is noted by the executor, a token is spent before: what a task takes from one to the other on a busy machine
/// makes starts look closer than they were let go. That is no more than so many tokens here; the simulator, whose clock
/// nobody disturbs, allows none.
const LATE: f64 = 2.0;

fn assert_within(starts: &[Moment], per_s: f64, burst: f64, what: &str) {
    let most = most_owed(per_s, starts);
    println!("{what}: {most:.2} owed at once, of a burst of {burst}");
    assert!(most <= burst + LATE, "{what}: {most} owed at once");
}

/// The part of the tokens that came in the time of these starts and were used.
fn used(starts: &[Moment], per_s: f64, what: &str) -> f64 {
    let span = starts
        .last()
        .zip(starts.first())
        .map_or(0.0, |(last, first)| last.since(*first).as_secs_f64());
    let used = (starts.len() - 1) as f64 / (per_s * span.max(SPAN.as_secs_f64()));
    println!("{what}: {:.1} % used", 100.0 * used);
    used
}

/// A burst of tokens comes together: the tasks of a ready class take so long one after the other.
async fn quiet_time(mesh: &Mesh, times: &mut Times) {
    let (slow, _starts) = Clocked::new(QUIET / 4);
    let quiet = mesh.worker_of_its_own("quiet", 1, slow).await;
    mesh.submit("first", "limited", "0").await.expect("accepted");
    mesh.result("first").await;
    mesh.submit_many("ready", 4, "0").await;
    for n in 0..4 {
        mesh.result(&format!("ready-{n}")).await;
    }
    quiet.stop(PATIENCE).await;
    assert!(times.is_silent());
}

async fn a_rate_holds_and_is_used_up(workers: u32, slots: u32) {
    let mesh = Mesh::start_alone(FIFTY).await;
    let (clocked, mut times) = Clocked::new(SERVICE);
    quiet_time(&mesh, &mut times).await;
    for n in 0..workers {
        mesh.worker(&format!("w{n}"), slots, clocked.clone()).await;
    }
    mesh.submit_many("limited", 400, "0").await;
    let starts = times.over(SPAN).await;
    let what = format!("{workers} workers");
    assert_within(&starts, PER_S, BURST, &what);
    assert!(used(&starts, PER_S, &what) >= 0.95);
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_holds_for_one_worker_and_is_used_up() {
    a_rate_holds_and_is_used_up(1, 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_holds_over_four_workers_and_is_used_up() {
    a_rate_holds_and_is_used_up(4, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_holds_over_sixteen_workers_and_is_used_up() {
    a_rate_holds_and_is_used_up(16, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_holds_while_workers_and_leaders_come_and_go() {
    let mesh = Mesh::start_alone(FIFTY).await;
    mesh.submit_many("limited", 600, "0").await;
    let (clocked, mut times) = Clocked::new(SERVICE);
    let second = mesh.coordinator().await;
    let mut workers = Vec::new();
    for n in 0..4 {
        workers.push(mesh.worker_of_its_own(&format!("w{n}"), 4, clocked.clone()).await);
    }
    let (mut starts, mut before) = (Vec::new(), Vec::new());
    for n in 0..6 {
        starts.extend(times.over(Duration::from_millis(600)).await);
        // One leaves all it has, another comes.
        let leaves = workers.remove(0);
        leaves.hard().cancel();
        leaves.soft().cancel();
        workers.push(mesh.worker_of_its_own(&format!("x{n}"), 4, clocked.clone()).await);
    }
    before.append(&mut starts);
    mesh.coordinator.stop(SERVICE).await;
    // The other one leads soon, and opens when every loan of the first has ended.
    let mut after = times.over(SPAN).await;
    println!(
        "{} starts before the leader stopped, {} after",
        before.len(),
        after.len()
    );
    before.append(&mut after);
    before.sort_unstable();
    assert_within(&before, PER_S, BURST, "coming and going");
    second.stop(SERVICE).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_has_a_rate_over_all_its_classes() {
    let yaml = FIFTY
        .replace(", rate: { per_s: 50, burst: 10 }", "")
        .replace("initial: 5 } }", "initial: 5 }, rate: { per_s: 40, burst: 8 } }");
    let mesh = Mesh::start_alone(&yaml).await;
    mesh.submit_many("limited", 200, "0").await;
    mesh.submit_many("ready", 200, "0").await;
    let (clocked, mut times) = Clocked::new(SERVICE);
    for n in 0..4 {
        mesh.worker(&format!("w{n}"), 4, clocked.clone()).await;
    }
    let starts = times.over(SPAN).await;
    assert_within(&starts, 40.0, 8.0, "a model");
    assert!(used(&starts, 40.0, "a model") >= 0.95);
    mesh.stop().await;
}

async fn classes_of(times: &mut Times, count: usize) -> HashMap<String, usize> {
    let mut classes = HashMap::new();
    for _ in 0..count {
        *classes.entry(times.next().await.0).or_default() += 1;
    }
    classes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_without_tokens_leaves_every_slot_to_a_ready_one() {
    let yaml = FIFTY.replace("per_s: 50, burst: 10", "per_s: 0.5, burst: 1");
    let mesh = Mesh::start(&yaml).await;
    let (probe, mut starts) = Probe::gated();
    for n in 0..4 {
        mesh.worker(&format!("w{n}"), 2, probe.clone()).await;
    }
    mesh.submit_many("limited", 50, "0").await;
    assert_eq!(starts.recv().await.expect("one has a token").0, "limited");
    mesh.submit_many("ready", 100, "0").await;
    // One of eight slots is taken; tokens that come meanwhile start one every 2 s.
    let mut ready = 0;
    for _ in 0..7 {
        ready += usize::from(starts.recv().await.expect("the other slots are used").0 == "ready");
    }
    assert!(ready >= 5, "{ready} of 7 slots went to the ready class");
    for _ in 0..60 {
        probe.release(1);
        starts.recv().await.expect("tasks go on starting");
    }
    assert_eq!(probe.most(), 8);
    probe.release(1_000);
    for n in 0..100 {
        mesh.result(&format!("ready-{n}")).await;
    }
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_leader_limited_classes_wait_and_others_do_not() {
    let mesh = Mesh::start(FIFTY).await;
    mesh.coordinator.stop(SERVICE).await;
    let (clocked, mut times) = Clocked::new(SERVICE);
    for n in 0..2 {
        mesh.worker(&format!("w{n}"), 4, clocked.clone()).await;
    }
    mesh.submit_many("limited", 20, "0").await;
    mesh.submit_many("ready", 200, "0").await;
    assert_eq!(
        classes_of(&mut times, 200).await,
        HashMap::from([("ready".into(), 200)])
    );
    assert!(times.is_silent(), "nobody lends tokens");
    let leader = mesh.coordinator().await;
    assert_eq!(
        classes_of(&mut times, 20).await,
        HashMap::from([("limited".into(), 20)])
    );
    leader.stop(SERVICE).await;
    mesh.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_gives_its_tasks_and_tokens_back() {
    let yaml = FIFTY.replace("per_s: 50, burst: 10", "per_s: 20, burst: 2");
    let mesh = Mesh::start(&yaml).await;
    let (clocked, mut times) = Clocked::new(Duration::ZERO);
    let first = mesh.worker_of_its_own("first", 8, clocked.clone()).await;
    mesh.submit_many("limited", 60, "0").await;
    classes_of(&mut times, 10).await;
    first.stop(PATIENCE).await;
    mesh.worker("second", 8, Arc::clone(&clocked) as _).await;
    for n in 0..60 {
        mesh.result(&format!("limited-{n}")).await;
    }
    mesh.stop().await;
}
