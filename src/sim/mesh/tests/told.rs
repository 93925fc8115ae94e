//! Workers that are told of tasks in silent queues: what is told of buys a quick start, and no more than its share.

use super::stage::{Event, Facts, Setup, World};

const COST_US: u64 = 20_000;
/// Shares of the class that floods and of the one whose tasks are told of.
const SHARES: [f64; 2] = [90.0, 10.0];
/// For how long both have tasks.
const BOTH_MS: u64 = 20_000;

/// A worker that is told, a flood of the first class, and from `from_ms` on a task of the second one every `gap_us`.
fn world(slots: u32, flood_ms: u64, from_ms: u64, gap_us: u64) -> World {
    let mut setup = Setup::new(vec![slots], &SHARES, 20.0);
    setup.sweep_us = Some(1_000_000);
    let mut world = World::new(setup);
    world.telling = true;
    let end_ms = flood_ms.max(from_ms) + BOTH_MS;
    let flood = u64::from(slots) * (end_ms - flood_ms + 1_000) * 1_000 / COST_US;
    world.publish(flood_ms, 0, flood as u32, COST_US);
    let times = (from_ms * 1_000..end_ms * 1_000).step_by(gap_us as usize);
    for at_us in times {
        let (queue, facts) = (Some(1), Facts::plain(1, COST_US));
        world.unpublished += 1;
        world.at(at_us, Event::Publish { queue, facts });
    }
    world.run_until_ms(end_ms);
    world
}

/// The part of the second class in all that started within each second from `from_s` on.
fn parts(world: &World, from_s: u64) -> Vec<f64> {
    let started = |queue: usize, second: u64| {
        let tasks = world.tasks.iter().filter(|task| task.queue == queue);
        let in_it = tasks.filter(|task| task.started_us.is_some_and(|at| at / 1_000_000 == second));
        in_it.count() as f64
    };
    let part = |second| started(1, second) / (started(0, second) + started(1, second));
    (from_s..from_s + BOTH_MS / 1_000).map(part).collect()
}

#[test]
fn one_that_asks_for_several_times_its_share_gets_its_share_all_the_time() {
    for (slots, gap_us) in [(1, 66_800), (1, 50_000), (4, 25_000), (4, 12_500)] {
        let parts = parts(&world(slots, 0, 1_000, gap_us), 1);
        println!("{slots} slots, every {gap_us} µs: {parts:.2?}");
        // A few tasks more at first, which it pays for at once.
        let first = (parts[0] + parts[1]) / 2.0;
        for part in parts[2..].iter().chain([&first]) {
            assert!((0.07..=0.13).contains(part), "{part} of 0.1: {parts:.2?}");
        }
    }
}

#[test]
fn one_that_asks_for_half_its_share_starts_with_the_next_slot_also_after_it_was_alone_for_long() {
    for flood_ms in [0, 60_000] {
        let world = world(4, flood_ms, 0, 100_000);
        let flooded = |us: &u64| *us > (flood_ms + 1_000) * 1_000;
        let told = world.tasks.iter().filter(|task| task.queue == 1);
        let told = told.filter(|task| flooded(&task.arrived_us));
        let mut waits: Vec<u64> = told
            .map(|task| (task.started_us.unwrap_or(u64::MAX) - task.arrived_us) / 1_000)
            .collect();
        waits.sort_unstable();
        let (median, late) = (waits[waits.len() / 2], waits[waits.len() - 2]);
        println!("flooded from {flood_ms} ms on: {median} ms, {late} ms");
        assert!(median <= 15 && late <= 30, "{median} {late}");
    }
}
