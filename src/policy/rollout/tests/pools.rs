//! Tracks that have workers of their own: queues with so many slots, first come, first served.

use super::super::{Evidence, Harm, Judgement, Measure, Plan, Ruling, Stage, judge};
use super::many::seeds;
use super::traffic::Draws;
use crate::task::ClassName;

const SERVICE_MS: f64 = 50.0;

/// The slots of one track, by when they are free, in ms.
struct Pool {
    free_ms: Vec<f64>,
    class: ClassName,
}

impl Pool {
    fn new(slots: usize) -> Self {
        Self {
            free_ms: vec![0.0; slots],
            class: ClassName::new("a").unwrap(),
        }
    }

    /// What becomes of the tasks that arrive within a second, so many on average.
    fn second(&mut self, draws: &mut Draws, second: u64, per_s: f64) -> Evidence {
        let mut evidence = Evidence::default();
        let tally = evidence.of(&self.class);
        let tasks = draws.poisson(per_s);
        for task in 0..tasks {
            // Evenly within the second: the pool sees fewer bursts than a real one.
            let at_ms = (second as f64 + (task as f64 + draws.uniform()) / tasks as f64) * 1_000.0;
            let free = self.free_ms.iter_mut().min_by(|a, b| a.total_cmp(b)).unwrap();
            let start_ms = free.max(at_ms);
            *free = start_ms + draws.exponential() * SERVICE_MS;
            tally.ended += 1;
            tally.failed += u64::from(draws.happens(0.01));
            tally.waits.record((start_ms - at_ms) as u64);
        }
        evidence
    }
}

/// One stage of 10 % of `slots` slots that are busy for 70 % of the time, with so many slots for the canary.
fn stage(slots: usize, canary_slots: usize, seed: u64) -> Judgement {
    let per_s = 0.7 * slots as f64 * 1_000.0 / SERVICE_MS;
    let (mut stable, mut canary) = (Pool::new(slots * 9 / 10), Pool::new(canary_slots));
    let mut draws = Draws::new(seed);
    let plan = Plan::new(&[]);
    let mut stage = Stage::new(0);
    let mut second = 0;
    loop {
        let ended = [
            stable.second(&mut draws, second, 0.9 * per_s),
            canary.second(&mut draws, second, 0.1 * per_s),
        ];
        second += 1;
        let judgement = judge(&plan, &mut stage, &ended[0], &ended[1], second * 1_000);
        if second == 900 || !matches!(judgement.ruling, Ruling::Hold { .. }) {
            return judgement;
        }
    }
}

/// How many of the seeds are rolled back for their waits.
fn rolled_back(slots: usize, canary_slots: usize) -> usize {
    let is_back = |judgement: &Judgement| match &judgement.ruling {
        Ruling::RollBack(Harm::Worse(finding)) => finding.measure == Measure::Waits,
        _ => false,
    };
    let all = seeds(2);
    let back = (1..=all)
        .filter(|seed| is_back(&stage(slots, canary_slots, *seed)))
        .count();
    println!(
        "alike, {canary_slots} slots of its own beside {}: {back} of {all} rolled back",
        slots * 9 / 10
    );
    back
}

/// A limit of every comparison of waits: few slots of one's own make longer queues than many, under the same policy and
/// load. With more slots than its share the canary waits no longer.
#[test]
fn a_small_pool_of_its_own_waits_longer_and_a_larger_one_does_not() {
    assert_eq!(rolled_back(20, 2) as u64, seeds(2));
    rolled_back(20, 3);
    assert_eq!(rolled_back(20, 4), 0);
    rolled_back(100, 10);
    assert_eq!(rolled_back(100, 12), 0);
}
