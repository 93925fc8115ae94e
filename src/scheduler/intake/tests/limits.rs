//! A limited queue reaches its limit without spinning.

use super::setup::Setup;
use super::world::World;

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
            let smoothed_us = worker.intake.round_trip.smoothed().as_micros();
            assert!(
                smoothed_us <= round_trip_us * 3 / 2,
                "{service_ms} ms: {smoothed_us} µs"
            );
        }
    }
}

#[test]
fn a_network_that_slows_down_is_noticed_although_its_answers_come_too_late() {
    let mut world = World::new(Setup::new(vec![8], &[50.0, 50.0], 20.0));
    (0..2).for_each(|queue| world.publish(0, queue, 2000, 20_000));
    world.run_until_ms(500);
    world.setup.latency_us = 25_000;
    world.run_until_ms(2500);
    println!("{:?}", world.workers[0].intake.round_trip);
    println!(
        "asks {} fin {} hb {}",
        world.workers[0].asks, world.finished, world.hand_backs
    );
    let smoothed_ms = world.workers[0].intake.round_trip.smoothed().as_millis();
    println!("round trip {smoothed_ms} ms");
    // A deadline is two of it, so from 25 on the answers of 50 ms come in time.
    assert!((25..=60).contains(&smoothed_ms), "{smoothed_ms} ms");
    let before = world.hand_backs;
    world.run_until_ms(5000);
    assert_eq!(world.hand_backs, before);
}
