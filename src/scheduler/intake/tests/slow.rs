//! A server that dawdles over some asks: few tasks tour.

use super::setup::{Setup, Slow};
use super::world::World;

/// Tasks handed back of 3,000, and the most within two round trips.
fn tours(workers: &[u32], slow: Slow) -> (u64, usize) {
    let setup = Setup::new(workers.to_vec(), &[40.0, 30.0, 20.0, 10.0], 10.0).slow(slow);
    let window_us = 2 * setup.round_trip_us();
    let mut world = World::new(setup);
    (0..4).for_each(|queue| world.publish(0, queue, 3000, 10_000));
    world.run_while(|w| w.finished < 3000);
    let at = &world.handed_back_us;
    let within = |from: &u64| {
        at.iter()
            .filter(|at| (*from..from + window_us).contains(at))
            .count()
    };
    let most = world.tasks.iter().map(|t| t.deliveries).max();
    assert!(most <= Some(3), "{most:?} deliveries");
    (world.hand_backs, at.iter().map(within).max().unwrap_or(0))
}

#[test]
fn a_slow_server_makes_no_bursts_of_hand_backs() {
    for workers in [&[16][..], &[4; 4], &[1; 16]] {
        for slow in [
            Slow::Serving(10),
            Slow::Reading(10),
            Slow::Serving(30),
            Slow::Reading(30),
        ] {
            let (all, burst) = tours(workers, slow);
            println!("{workers:?}, {slow:?}: {all} hand-backs, at most {burst} at once");
        }
    }
}
