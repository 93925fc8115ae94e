//! Backlogged classes are served in proportion to their shares.

use super::stage::World;
use super::stage::{Setup, Slow};

const SHARES: [f64; 4] = [40.0, 30.0, 20.0, 10.0];

/// Tasks before counting begins: one task of the dearest class is all that a one-slot worker owes
/// it in its first second.
const WARM_UP: u64 = 1000;

/// Percent of the service each class got in 2,000 finished tasks, in ms of one slot, while all four
/// were backlogged.
fn service(setup: Setup, costs_us: [u64; 4]) -> [f64; 4] {
    let mut world = World::new(setup);
    for (queue, cost_us) in costs_us.into_iter().enumerate() {
        world.publish(0, queue, 3500, cost_us);
    }
    world.run_while(|w| w.finished < WARM_UP);
    let since = world.now_us;
    world.run_while(|w| w.finished < WARM_UP + 2000);
    let mut service = [0.0; 4];
    for task in world
        .tasks
        .iter()
        .filter(|t| t.finished_us.is_some_and(|at| at > since))
    {
        service[task.queue] += task.facts.cost_us as f64;
    }
    assert!(world.consumers.iter().all(|c| c.backlog() > 0), "a class ran dry");
    let sum: f64 = service.iter().sum();
    service.map(|s| 100.0 * s / sum)
}

fn check(workers: &[u32], costs_us: [u64; 4], estimate_ms: f64) {
    (1..=3).for_each(|seed| check_with(workers, costs_us, estimate_ms, seed, Slow::default()));
}

fn check_with(workers: &[u32], costs_us: [u64; 4], estimate_ms: f64, seed: u64, slow: Slow) {
    let mut setup = Setup::new(workers.to_vec(), &SHARES, estimate_ms).slow(slow);
    setup.seed = seed;
    let got = service(setup, costs_us);
    println!("{} workers, seed {seed}, {slow:?}: {got:.1?}", workers.len());
    for (got_one, share) in got.iter().zip(SHARES) {
        assert!((got_one - share).abs() <= 2.0, "seed {seed}, {slow:?}: {got:.1?}");
    }
}

const EQUAL: [u64; 4] = [5000; 4];
const UNEQUAL: [u64; 4] = [5_000, 20_000, 50_000, 100_000];

#[test]
fn one_worker_serves_equal_tasks_by_share() {
    check(&[8], EQUAL, 5.0);
}

#[test]
fn four_workers_serve_equal_tasks_by_share() {
    check(&[4; 4], EQUAL, 5.0);
}

#[test]
fn sixteen_one_slot_workers_serve_equal_tasks_by_share() {
    check(&[1; 16], EQUAL, 5.0);
}

#[test]
fn one_worker_divides_cost_not_count() {
    check(&[8], UNEQUAL, 20.0);
}

#[test]
fn four_workers_divide_cost_not_count() {
    check(&[4; 4], UNEQUAL, 20.0);
}

#[test]
fn sixteen_one_slot_workers_divide_cost_not_count() {
    check(&[1; 16], UNEQUAL, 20.0);
}

fn check_slow(percent: u64, cost_us: u64) {
    for slow in [Slow::serving(percent), Slow::reading(percent)] {
        for workers in [&[16][..], &[4; 4], &[1; 16]] {
            check_with(workers, [cost_us; 4], cost_us as f64 / 1000.0, 1, slow);
        }
    }
}

#[test]
fn a_server_slow_at_times_changes_no_share() {
    check_slow(10, 5000);
}

#[test]
fn a_server_slow_every_third_time_changes_no_share() {
    check_slow(30, 20_000);
}
