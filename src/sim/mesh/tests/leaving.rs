//! Draining, and pulls that vanish.

use super::stage::Setup;
use super::stage::World;

#[test]
fn a_draining_worker_asks_for_nothing_finishes_what_it_holds_and_hands_back_the_rest() {
    for drain_ms in 1..40 {
        let mut world = World::new(Setup::new(vec![4, 4], &[60.0, 40.0], 5.0));
        world.publish(0, 0, 60, 7000);
        world.publish(0, 1, 60, 3000);
        world.run_until_ms(drain_ms);
        let held = world.workers[0].started;
        let before = world.finished;
        world.drain(0);
        world.run_while(|w| !w.is_done());
        assert_eq!(world.finished, 120);
        assert!(world.finished >= before + u64::from(held));
        assert_eq!(world.workers[0].started, 0);
        assert!(
            world.consumers.iter().all(|c| c.pulls_of(0) == 0),
            "drained at {drain_ms}"
        );
    }
}

#[test]
fn an_idle_worker_that_drains_withdraws_its_waits() {
    let mut world = World::new(Setup::new(vec![2], &[60.0, 40.0], 5.0));
    world.run_until_ms(100);
    assert_eq!(world.consumers.iter().map(|c| c.pulls_of(0)).sum::<usize>(), 2);
    world.drain(0);
    world.run_until_ms(105);
    assert_eq!(world.consumers.iter().map(|c| c.pulls_of(0)).sum::<usize>(), 0);
}

#[test]
fn places_of_lost_pulls_are_free_after_the_deadline() {
    let setup = Setup::new(vec![8], &[60.0, 40.0], 5.0);
    let deadline_ms = 2 * setup.round_trip_us() / 1000 + 1;
    let mut world = World::new(setup);
    world.publish(0, 0, 500, 5000);
    world.publish(0, 1, 500, 5000);
    world.run_until_ms(50);
    world.losing = true;
    world.run_until_ms(65);
    assert_eq!(world.workers[0].started, 0);
    assert!(world.workers[0].intake.free() < 8);
    world.drain(0);
    world.run_until_ms(65 + 2 * deadline_ms);
    assert_eq!(world.workers[0].intake.free(), 8);
}

#[test]
fn a_worker_whose_pulls_are_lost_asks_again() {
    let mut world = World::new(Setup::new(vec![8], &[60.0, 40.0], 5.0));
    world.publish(0, 0, 500, 5000);
    world.publish(0, 1, 500, 5000);
    world.run_until_ms(50);
    world.losing = true;
    world.run_until_ms(80);
    world.losing = false;
    world.run_while(|w| !w.is_done());
    assert!(world.now_us < 7_000_000, "{} µs", world.now_us);
}

#[test]
fn a_worker_that_reconnects_begins_anew_at_once() {
    let mut world = World::new(Setup::new(vec![8], &[60.0, 40.0], 5.0));
    world.publish(0, 0, 5000, 5000);
    world.run_until_ms(50);
    world.losing = true;
    world.run_until_ms(60);
    world.losing = false;
    world.reconnect(0);
    let before = world.finished;
    world.run_until_ms(80);
    assert!(world.finished >= before + 8, "{} after {before}", world.finished);
}
