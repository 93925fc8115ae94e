//! What the intake spends on asking.

use super::stage::Setup;
use super::stage::World;

#[test]
fn under_flood_an_ask_brings_many_tasks() {
    let mut world = World::new(Setup::new(vec![64], &[40.0, 30.0, 20.0, 10.0], 1.0));
    (0..4).for_each(|queue| world.publish(0, queue, 20_000, 1000));
    world.run_until_ms(1000);
    let worker = &world.workers[0];
    let asks = worker.asks as f64 / world.finished as f64;
    let waits = worker.waits as f64 / world.finished as f64;
    println!(
        "{} tasks, {asks:.3} asks and {waits:.3} waits a task",
        world.finished
    );
    assert!(asks <= 0.3, "{asks:.3}");
    assert!(waits <= 0.01, "{waits:.3}");
}

#[test]
fn an_idle_worker_pulls_each_queue_once_per_expiry() {
    let mut world = World::new(Setup::new(vec![4], &[40.0, 30.0, 20.0, 10.0], 1.0));
    world.run_until_ms(60_000);
    let worker = &world.workers[0];
    println!(
        "{} waits, {} asks, {} events",
        worker.waits, worker.asks, world.handled
    );
    assert!(worker.waits <= 4 * 13, "{}", worker.waits);
    assert_eq!(worker.asks, 0);
}

#[test]
fn a_queue_that_others_emptied_is_asked_a_few_times_and_then_waited_on() {
    let mut world = World::new(Setup::new(vec![4; 4], &[40.0, 30.0, 20.0, 10.0], 5.0));
    (0..4).for_each(|queue| world.publish(0, queue, 50, 5000));
    world.run_while(|w| !w.is_done());
    let asks = |w: &World| w.workers.iter().map(|w| w.asks).sum::<u64>();
    let done = asks(&world);
    let quiet_ms = world.now_us / 1000 + 200;
    world.run_until_ms(quiet_ms);
    let before = asks(&world);
    println!("{} asks for nothing", before - done);
    world.run_until_ms(quiet_ms + 20_000);
    assert_eq!(asks(&world), before);
    assert!(world.workers.iter().all(|w| w.intake.free() == w.slots));
}
