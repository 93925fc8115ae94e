//! A limited queue reaches its limit without spinning.

use super::stage::Setup;
use super::stage::Task;
use super::stage::World;

fn check(workers: &[u32], service_ms: u64) {
    let limit = 2;
    let setup = Setup::new(workers.to_vec(), &[50.0, 50.0], 20.0).limit(0, limit);
    let mut world = World::new(setup);
    world.publish(0, 0, 5000, service_ms * 1000);
    world.run_until_ms(5000);
    let ideal = f64::from(limit) * 5000.0 / service_ms as f64;
    let part = world.finished as f64 / ideal;
    let pulls: u64 = world.workers.iter().map(|w| w.asks + w.waits).sum();
    let per_task = pulls as f64 / world.finished as f64;
    println!("{workers:?}, {service_ms} ms: {part:.3} of the limit, {per_task:.2} pulls a task");
    // The place is free again once the ack is there, and the next task then has to travel.
    let travel = service_ms as f64 / (service_ms as f64 + 3.0);
    assert!(part >= 0.9_f64.min(0.98 * travel), "{part:.3}");
    assert!(per_task <= 4.0, "{per_task:.2}");
}

#[test]
fn one_worker_with_free_slots_keeps_a_limited_queue_at_its_limit() {
    check(&[8], 50);
    check(&[8], 20);
}

#[test]
fn many_workers_with_free_slots_keep_a_limited_queue_at_its_limit() {
    check(&[4; 4], 50);
    check(&[4; 4], 200);
    check(&[1; 16], 50);
}

#[test]
fn a_limited_queue_does_not_stretch_the_round_trip() {
    for service_ms in [2, 5, 20] {
        let setup = Setup::new(vec![4; 4], &[50.0, 50.0], 20.0).limit(0, 2);
        let round_trip_us = u128::from(setup.round_trip_us());
        let mut world = World::new(setup);
        world.publish(0, 0, 5000, service_ms * 1000);
        world.publish(0, 1, 5000, 20_000);
        world.run_until_ms(3000);
        for worker in &world.workers {
            let smoothed_us = worker.intake.round_trip().as_micros();
            assert!(
                smoothed_us <= round_trip_us * 3 / 2,
                "{service_ms} ms: {smoothed_us} µs"
            );
        }
    }
}

#[test]
fn a_network_that_slows_down_is_noticed_although_its_answers_come_too_late() {
    for seed in 1..=5 {
        let mut setup = Setup::new(vec![8], &[50.0, 50.0], 20.0);
        setup.seed = seed;
        let mut world = World::new(setup);
        (0..2).for_each(|queue| world.publish(0, queue, 2000, 20_000));
        world.run_until_ms(500);
        world.setup.latency_us = 25_000;
        world.run_until_ms(2500);
        let intake = &world.workers[0].intake;
        let (round_trip, patience) = (intake.round_trip(), intake.patience());
        println!("round trip {round_trip:?}, patience {patience:?}");
        // The answers of 50 ms come in time now, ...
        assert!(patience.as_millis() > 50, "{patience:?}");
        assert!(round_trip.as_millis() <= 60);
        let before = world.hand_backs;
        world.run_until_ms(8000);
        // ... and stay in time.
        assert_eq!(world.hand_backs, before);
    }
}

/// Pulls of queue 0 a second and worker while its two places are taken for long.
fn pulls_a_second(workers: &[u32], other_tasks: u32) -> f64 {
    let setup = Setup::new(workers.to_vec(), &[50.0, 50.0], 20.0).limit(0, 2);
    let mut world = World::new(setup);
    world.publish(0, 0, 100, 60_000_000);
    world.publish(0, 1, other_tasks, 20_000);
    world.run_until_ms(1000);
    let pulls = |w: &World| w.consumers[0].asks + w.consumers[0].waits;
    let before = pulls(&world);
    world.run_until_ms(3000);
    (pulls(&world) - before) as f64 / 2.0 / workers.len() as f64
}

#[test]
fn a_queue_at_its_limit_is_not_asked_in_a_loop() {
    for workers in [vec![8], vec![4; 4], vec![1; 16]] {
        let (idle, busy) = (pulls_a_second(&workers, 0), pulls_a_second(&workers, 4000));
        println!("{workers:?}: {idle:.1} pulls a second when idle, {busy:.1} when busy");
        // A wait lasts seconds; a busy worker spends a thirty-second part of its slots on looking.
        assert!(idle <= 1.0, "{idle:.1}");
        assert!(busy <= 10.0 * f64::from(workers[0]), "{busy:.1}");
    }
}

#[test]
fn an_idle_worker_finds_a_place_that_frees_within_a_round_trip() {
    for workers in [vec![8], vec![4; 4]] {
        let setup = Setup::new(workers, &[50.0, 50.0], 20.0).limit(0, 2);
        let round_trip_us = setup.round_trip_us();
        let mut world = World::new(setup);
        world.publish(0, 0, 40, 300_000);
        world.run_until_ms(4000);
        let mut freed: Vec<u64> = world.tasks.iter().filter_map(|t| t.finished_us).collect();
        let mut taken: Vec<u64> = world.tasks.iter().filter_map(|t| t.started_us).collect();
        freed.sort_unstable();
        taken.sort_unstable();
        let waits = freed.iter().zip(&taken[2..]).map(|(freed, taken)| taken - freed);
        let longest = waits.max().unwrap();
        println!("a place is taken after {longest} µs of {round_trip_us} µs");
        assert!(longest <= round_trip_us, "{longest} µs");
    }
}

#[test]
fn a_class_long_at_its_limit_has_saved_up_little_when_the_limit_goes() {
    for (limited, workers) in [(0, vec![8]), (1, vec![2; 4])] {
        let mut world = World::new(Setup::new(workers, &[50.0, 50.0], 5.0));
        // Nobody told the workers.
        world.consumers[limited].limit = 1;
        (0..2).for_each(|queue| world.publish(0, queue, 8000, 5000));
        world.run_until_ms(5000);
        world.consumers[limited].limit = 10_000;
        world.run_until_ms(5500);
        let since = |t: &&Task| t.started_us.is_some_and(|at| at >= 5_000_000);
        let all = world.tasks.iter().filter(since).count();
        let others = world.tasks.iter().filter(since).filter(|t| t.queue != limited);
        let part = 100.0 * others.count() as f64 / all as f64;
        println!("the other class got {part:.1} % of {all} tasks");
        assert!((40.0..=65.0).contains(&part), "{part:.1} %");
    }
}
