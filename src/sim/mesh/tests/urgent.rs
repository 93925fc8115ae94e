//! A class that was empty is served as soon as it fills.

use super::stage::Setup;
use super::stage::World;

/// Publishes one task of class 0 at that time and tells how long it waited, in µs.
fn wait_of_one(world: &mut World, at_ms: u64) -> u64 {
    world.publish(at_ms, 0, 1, 1000);
    world.run_until_ms(at_ms);
    let urgent = |w: &World| {
        w.tasks
            .iter()
            .rev()
            .find(|t| t.queue == 0)
            .and_then(|t| t.started_us)
    };
    world.run_while(|w| urgent(w).is_none());
    urgent(world).unwrap() - at_ms * 1000
}

#[test]
fn an_idle_worker_starts_what_arrives_within_a_round_trip() {
    for arrival_ms in [100, 4_999, 5_003, 5_009, 60_000] {
        let setup = Setup::new(vec![4, 4], &[40.0, 30.0, 20.0, 10.0], 20.0);
        let bound = setup.round_trip_us();
        let mut world = World::new(setup);
        let waited = wait_of_one(&mut world, arrival_ms);
        assert!(waited <= bound, "{waited} µs at {arrival_ms} ms");
    }
}

#[test]
fn a_worker_full_of_long_tasks_serves_it_at_the_next_slot_that_frees() {
    for slots in [1, 8] {
        for arrival_ms in [230, 410, 505, 777, 1001] {
            let setup = Setup::new(vec![slots], &[40.0, 30.0, 20.0, 10.0], 200.0);
            let round_trip_us = setup.round_trip_us();
            let mut world = World::new(setup);
            // Slots free at different times.
            for step in 0..u64::from(slots) {
                world.publish(step * 25, 3, 1, 200_000);
            }
            world.publish(210, 3, 100, 200_000);
            world.publish(arrival_ms, 0, 1, 1000);
            world.run_while(|w| w.tasks.iter().all(|t| t.queue != 0 || t.started_us.is_none()));
            let task = world.tasks.iter().find(|t| t.queue == 0).unwrap();
            let started_us = task.started_us.unwrap();
            let freed = world.tasks.iter().filter_map(|t| t.finished_us);
            let freed = freed.filter(|at| *at >= arrival_ms * 1000).min();
            let waited = started_us - freed.unwrap_or(arrival_ms * 1000).min(started_us);
            println!("{slots} slots, {arrival_ms} ms: {waited} µs after the next slot");
            assert!(
                waited <= 4 * round_trip_us,
                "{slots} slots: {waited} µs at {arrival_ms}"
            );
        }
    }
}

#[test]
fn a_worker_full_of_short_tasks_serves_it_within_forty_deadlines() {
    for slots in [1, 8, 64] {
        for arrival_ms in [300, 333, 501] {
            let setup = Setup::new(vec![slots], &[40.0, 30.0, 20.0, 10.0], 5.0);
            let deadline_us = 2 * setup.round_trip_us();
            let mut world = World::new(setup);
            world.publish(0, 3, 200 * slots, 2000);
            let waited = wait_of_one(&mut world, arrival_ms);
            println!("{slots} slots, {arrival_ms} ms: {waited} µs");
            assert!(
                waited <= 40 * deadline_us,
                "{slots} slots: {waited} µs at {arrival_ms}"
            );
        }
    }
}

#[test]
fn an_urgent_task_never_tours_ninety_nine_full_workers() {
    let setup = Setup::new(vec![1; 100], &[40.0, 30.0, 20.0, 10.0], 20.0);
    let bound = 2 * setup.round_trip_us();
    let mut world = World::new(setup);
    world.publish(100, 3, 99, 10_000_000);
    world.run_until_ms(1000);
    let full = world.workers.iter().filter(|w| w.started == 1).count();
    assert_eq!(full, 99);
    let before = world.hand_backs;
    let waited = wait_of_one(&mut world, 1500);
    let task = world.tasks.iter().find(|t| t.queue == 0).unwrap();
    println!("waited {waited} µs, hand-backs {before}");
    assert!(waited <= bound, "{waited} µs");
    assert_eq!((task.deliveries, world.hand_backs), (1, before));
    assert_eq!(before, 0);
}
