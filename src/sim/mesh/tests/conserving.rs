//! A free slot and a ready task do not coexist for long.

use super::stage::Setup;
use super::stage::Task;
use super::stage::World;

const COST_US: u64 = 27_000;

fn limited_beside_ready(workers: Vec<u32>) -> (World, u64) {
    let mut setup = Setup::new(workers, &[50.0, 50.0], COST_US as f64 / 1000.0).limit(0, 2);
    // Half a round trip is the least expiry then: below, the grain of timers counts, not the network.
    (setup.latency_us, setup.jitter_us) = (2000, 200);
    let round_trip_us = setup.round_trip_us();
    let mut world = World::new(setup);
    world.publish(0, 0, 100, COST_US);
    world.publish(0, 1, 4000, COST_US);
    world.run_until_ms(50);
    world.idle_beside_ready_us = 0;
    world.run_until_ms(1000);
    (world, round_trip_us)
}

/// Percent of all slot time from `since_ms` on that tasks ran.
fn utilisation(world: &World, since_ms: u64) -> f64 {
    let (from, to) = (since_ms * 1000, world.now_us);
    let ran = |t: &Task| {
        let start = t.started_us?.max(from);
        Some(t.finished_us.unwrap_or(to).saturating_sub(start))
    };
    let busy: u64 = world.tasks.iter().filter_map(ran).sum();
    let slots: u32 = world.workers.iter().map(|w| w.slots).sum();
    100.0 * busy as f64 / ((to - from) * u64::from(slots)) as f64
}

fn check(workers: &[u32], least: f64) {
    let (world, round_trip_us) = limited_beside_ready(workers.to_vec());
    let used = utilisation(&world, 50);
    let longest = world.idle_beside_ready_us;
    println!("{workers:?}: {used:.1} % used, idle beside ready at most {longest} µs of {round_trip_us} µs");
    assert!(longest <= 2 * round_trip_us, "{longest} µs");
    assert!(used >= least, "{used:.1} %");
}

// A slot is empty for a round trip after each task of 27 ms: 4 of 31 ms is what asking late costs.
#[test]
fn a_ready_class_uses_what_a_limited_one_leaves_on_one_worker() {
    check(&[8], 83.0);
}

#[test]
fn a_ready_class_uses_what_a_limited_one_leaves_on_four_workers() {
    check(&[4; 4], 80.0);
}

#[test]
fn a_ready_class_uses_what_a_limited_one_leaves_on_one_slot_workers() {
    check(&[1; 16], 75.0);
}

#[test]
fn a_ready_class_uses_what_a_limited_one_leaves_on_wide_workers() {
    check(&[16], 80.0);
    check(&[64], 80.0);
}
