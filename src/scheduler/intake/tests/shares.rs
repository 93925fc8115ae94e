//! Backlogged classes are served in proportion to their shares.

use super::setup::Setup;
use super::world::World;

const SHARES: [f64; 4] = [40.0, 30.0, 20.0, 10.0];

/// Tasks before counting begins: one task of the dearest class is all that a one-slot worker owes
/// it in its first second.
const WARM_UP: u64 = 1000;

/// Percent of the service each class got in 2,000 finished tasks, in ms of one slot, while all four
/// were backlogged.
fn service(workers: Vec<u32>, costs_us: [u64; 4], estimate_ms: f64, seed: u64) -> [f64; 4] {
    let mut setup = Setup::new(workers, &SHARES, estimate_ms);
    setup.seed = seed;
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
        service[task.queue] += task.cost_us as f64;
    }
    assert!(world.consumers.iter().all(|c| c.backlog() > 0), "a class ran dry");
    let sum: f64 = service.iter().sum();
    service.map(|s| 100.0 * s / sum)
}

fn check(workers: &[u32], costs_us: [u64; 4], estimate_ms: f64) {
    for seed in 1..=3 {
        let got = service(workers.to_vec(), costs_us, estimate_ms, seed);
        println!("{} workers, seed {seed}: {got:.1?}", workers.len());
        for (got_one, share) in got.iter().zip(SHARES) {
            assert!((got_one - share).abs() <= 2.0, "seed {seed}: {got:.1?}");
        }
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
