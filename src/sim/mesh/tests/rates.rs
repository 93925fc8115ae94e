//! Classes whose rate is limited over all workers: never over it, all of it, and nobody else the slower.

use super::stage::{Event, Setup, World};

/// The most tokens that were owed at once, as a bucket that leaks at the rate would hold, and the tasks that started from
/// `from_ms` on.
fn owed(world: &World, class: usize, per_s: f64, from_ms: u64) -> (f64, usize) {
    let of_class = world.tasks.iter().filter(|task| task.queue == class);
    let mut starts: Vec<u64> = of_class.filter_map(|task| task.started_us).collect();
    starts.sort_unstable();
    let (mut level, mut last, mut most) = (0.0_f64, 0, 0.0_f64);
    for us in &starts {
        level = (level - per_s * (us - last) as f64 / 1e6).max(0.0) + 1.0;
        (last, most) = (*us, most.max(level));
    }
    (most, starts.iter().filter(|us| **us >= from_ms * 1000).count())
}

#[test]
fn a_rate_holds_over_all_workers_and_is_used_up() {
    for workers in [vec![16], vec![4; 4], vec![2; 16], vec![1; 16]] {
        let setup = Setup::new(workers.clone(), &[50.0, 50.0], 20.0).rate(0, 50.0, 10.0);
        let mut world = World::new(setup);
        // The bucket is full when the first ones come.
        world.publish(2_000, 0, 2_000, 5_000);
        world.run_until_ms(22_000);
        let (most, started) = owed(&world, 0, 50.0, 2_000);
        println!("{workers:?}: {most:.2} owed, {started} of 1010 started");
        assert!((9.5..=10.0 + 1e-6).contains(&most), "{most}");
        assert!(started >= 950, "{started}");
        assert_eq!(world.hand_backs, 0);
    }
}

#[test]
fn workers_that_come_and_go_take_no_more_than_the_rate() {
    let setup = Setup::new(vec![2; 8], &[50.0, 50.0], 20.0).rate(0, 50.0, 10.0);
    let mut world = World::new(setup);
    world.setup.ack_wait_us = 1_000_000;
    world.publish(2_000, 0, 2_000, 5_000);
    for n in 0..40 {
        world.at(
            2_000_000 + n * 500_000,
            Event::Crash {
                worker: n as usize % 8,
            },
        );
    }
    world.run_until_ms(22_000);
    let (most, started) = owed(&world, 0, 50.0, 2_000);
    println!("{most:.2} owed, {started} of 1000 started");
    // A task that starts again after its worker has died counts once here.
    assert!(most <= 10.0 + 1e-6, "{most}");
    assert!(started >= 900, "{started}");
}

#[test]
fn a_limited_class_takes_nothing_from_a_ready_one_but_its_own_tasks() {
    for workers in [vec![8], vec![2; 4], vec![1; 8]] {
        let served = |limited: bool| {
            let setup = Setup::new(workers.clone(), &[90.0, 10.0], 20.0).rate(0, 20.0, 4.0);
            let mut world = World::new(setup);
            if limited {
                world.publish(0, 0, 4_000, 10_000);
            }
            world.publish(0, 1, 40_000, 10_000);
            world.run_until_ms(12_000);
            let of = |class: usize| owed(&world, class, 20.0, 2_000).1 as f64;
            (of(0), of(1))
        };
        let (alone, (limited, beside)) = (served(false).1, served(true));
        println!("{workers:?}: alone {alone}, beside {limited} limited ones {beside}");
        // All slots are busy with the others, and its rate is used up all the same: its share is far larger.
        assert!(limited >= 190.0, "{limited}");
        assert!(
            beside + limited >= 0.97 * alone,
            "{beside} and {limited} of {alone}"
        );
    }
}

#[test]
fn a_rate_that_does_not_bind_costs_no_share() {
    for workers in [vec![8], vec![1; 8]] {
        let setup = Setup::new(workers.clone(), &[50.0, 50.0], 20.0).rate(0, 2_000.0, 50.0);
        let mut world = World::new(setup);
        (0..2).for_each(|queue| world.publish(0, queue, 20_000, 20_000));
        world.run_until_ms(12_000);
        let (limited, free) = (
            owed(&world, 0, 1.0, 2_000).1 as f64,
            owed(&world, 1, 1.0, 2_000).1 as f64,
        );
        println!("{workers:?}: {limited} and {free}");
        assert!(
            (limited / (limited + free) - 0.5).abs() <= 0.03,
            "{limited} {free}"
        );
        assert!(limited + free >= 0.75 * 8.0 * 50.0 * 10.0, "{}", limited + free);
    }
}

#[test]
fn a_task_that_comes_alone_starts_within_a_few_round_trips() {
    let setup = Setup::new(vec![2; 4], &[50.0, 50.0], 20.0).rate(0, 50.0, 10.0);
    let mut world = World::new(setup);
    for n in 0..50 {
        world.publish(3_000 + n * 97, 0, 1, 5_000);
    }
    world.run_until_ms(10_000);
    let waits = world
        .tasks
        .iter()
        .map(|task| task.started_us.unwrap_or(u64::MAX) - task.arrived_us);
    let longest = waits.max().unwrap_or(0);
    println!("the longest wait was {longest} µs");
    assert!(longest <= 30_000, "{longest}");
    assert_eq!(world.hand_backs, 0);
}
