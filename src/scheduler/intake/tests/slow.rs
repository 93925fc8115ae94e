//! A server that dawdles is no limited queue.

use super::setup::{Setup, Slow};
use super::world::World;

const SHARES: [f64; 4] = [40.0, 30.0, 20.0, 10.0];

#[test]
fn survey() {
    for slow in [
        Slow::Never,
        Slow::Serving(10),
        Slow::Reading(10),
        Slow::Serving(30),
        Slow::Reading(30),
        Slow::Serving(60),
    ] {
        for workers in [vec![16], vec![4; 4], vec![1; 16]] {
            for cost in [5u64, 20] {
                let n = workers.len();
                let mut setup = Setup::new(workers.clone(), &SHARES, cost as f64).slow(slow);
                setup.seed = 3;
                let mut world = World::new(setup);
                for queue in 0..4 {
                    world.publish(0, queue, 6000, cost * 1000);
                }
                world.run_while(|w| w.finished < 1000);
                let (since, hb) = (world.now_us, world.hand_backs);

                world.run_while(|w| w.finished < 5000);
                let mut service = [0.0; 4];
                for t in world
                    .tasks
                    .iter()
                    .filter(|t| t.finished_us.is_some_and(|at| at > since))
                {
                    service[t.queue] += 100.0 / 4000.0;
                }
                let asks: u64 = world.workers.iter().map(|w| w.asks).sum();
                let used = 4000.0 * cost as f64 * 1000.0 / 16.0 / (world.now_us - since) as f64;
                let srtt = world.workers[0].intake.round_trip.smoothed();
                println!(
                    "{slow:?} {n}: cost {cost} {service:.1?} hand-backs {} asks {asks} used {used:.3} srtt {srtt:?} deadline {:?}",
                    world.hand_backs - hb,
                    world.workers[0].intake.round_trip.deadline()
                );
            }
        }
    }
}
