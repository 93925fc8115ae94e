//! Nothing is forgotten, whatever comes together.

use proptest::prelude::*;

use super::stage::World;
use super::stage::{Dice, FAR, Setup, Slow};

pub(super) fn setup(seed: u64) -> Setup {
    let mut dice = Dice(seed);
    let workers = (0..1 + dice.below(6)).map(|_| 1 + dice.below(9) as u32).collect();
    let count = 1 + dice.below(6);
    let shares: Vec<f64> = (0..count).map(|_| 1.0 + dice.below(40) as f64).collect();
    let latency_us = 100 + dice.below(10_000);
    let mut setup = Setup::new(workers, &shares, 1.0);
    for (class, queue) in setup.classes.iter_mut().zip(&mut setup.queues) {
        queue.limit = [1, 2, 3, 8, FAR, FAR][dice.below(6) as usize];
        class.estimate_ms = 1.0 + dice.below(50) as f64;
    }
    let jitter_us = dice.below(latency_us);
    let slow = [Slow::default(), Slow::serving(20), Slow::reading(20)][dice.below(3) as usize];
    Setup {
        seed,
        latency_us,
        jitter_us,
        slow,
        ..setup
    }
}

/// Bursts, and the time by which all is surely done.
pub(super) fn fill(world: &mut World, setup: &Setup) -> u64 {
    let mut dice = Dice(setup.seed ^ 0xb0b);
    let round_trip_us = setup.round_trip_us();
    let slots = setup.workers.iter().sum::<u32>().max(1);
    let mut bound_us = 0;
    for _ in 0..1 + dice.below(12) {
        let queue = dice.below(setup.queues.len() as u64) as usize;
        let count = 1 + dice.below(60) as u32;
        let cost_us = [500, 2000, 10_000, 60_000][dice.below(4) as usize];
        world.publish(dice.below(1500), queue, count, cost_us);
        let at_once = setup.queues[queue].limit.min(slots);
        // Each task may have to be asked for anew and to wait for a deadline.
        bound_us += u64::from(count.div_ceil(at_once)) * (cost_us + 4 * round_trip_us + 10_000);
    }
    1_500_000 + 2 * bound_us + 200 * round_trip_us
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_queue_with_work_is_ever_left_unasked_and_none_is_drained_late_or_by_tours(seed in any::<u64>()) {
        let setup = setup(seed);
        let mut world = World::new(setup.clone());
        let bound_us = fill(&mut world, &setup);
        world.run_while(|w| !w.is_done() && w.now_us <= bound_us);
        prop_assert!(world.is_done(), "not done after {} ms: {setup:?}", bound_us / 1000);
        let most = world.tasks.iter().map(|t| t.deliveries).max().unwrap_or(0);
        println!("{} tasks, {} hand-backs, most deliveries {most}", world.tasks.len(), world.hand_backs);
        prop_assert!(most <= 4, "{most} deliveries: {setup:?}");
        // A stale hint is good for five asks, with rests of a second at most between them.
        let quiet_ms = world.now_us / 1000 + 8000;
        world.run_until_ms(quiet_ms);
        for worker in &world.workers {
            prop_assert_eq!(worker.intake.free(), worker.slots);
        }
    }
}
