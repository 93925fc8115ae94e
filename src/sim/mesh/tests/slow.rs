//! A server that dawdles over some asks: few tasks tour.

use super::stage::World;
use super::stage::{Setup, Slow};

/// When tasks were handed back in 3,000, once the worker's first waits are over: these may well
/// bring more than there are slots.
fn tours(workers: &[u32], slow: Slow) -> Vec<u64> {
    let setup = Setup::new(workers.to_vec(), &[40.0, 30.0, 20.0, 10.0], 10.0).slow(slow);
    let mut world = World::new(setup);
    (0..4).for_each(|queue| world.publish(0, queue, 2000, 10_000));
    world.run_until_ms(50);
    world.handed_back_us.clear();
    world.run_while(|w| w.finished < 3000);
    let most = world.tasks.iter().map(|t| t.deliveries).max();
    assert!(most <= Some(3), "{most:?} deliveries");
    world.handed_back_us
}

/// The most within two round trips.
fn burst(at_us: &[u64]) -> usize {
    let within = |from: &u64| {
        at_us
            .iter()
            .filter(|at| (*from..from + 6600).contains(at))
            .count()
    };
    at_us.iter().map(within).max().unwrap_or(0)
}

fn check(slow: Slow, most: usize) {
    for workers in [&[16][..], &[4; 4], &[1; 16]] {
        let at_us = tours(workers, slow);
        let (all, burst) = (at_us.len(), burst(&at_us));
        println!("{workers:?}, {slow:?}: {all} hand-backs, at most {burst} at once");
        assert!(all <= most, "{workers:?}, {slow:?}: {all} hand-backs");
        assert!(burst <= 4, "{workers:?}, {slow:?}: {burst} hand-backs at once");
    }
}

#[test]
fn a_server_slow_to_serve_makes_next_to_no_hand_backs() {
    check(Slow::serving(10), 6);
    check(Slow::serving(30), 6);
}

// An answer may come four round trips after its deadline, when the slot is taken.
#[test]
fn a_server_slow_to_read_makes_no_bursts_of_hand_backs() {
    check(Slow::reading(10), 150);
    check(Slow::reading(30), 150);
}
