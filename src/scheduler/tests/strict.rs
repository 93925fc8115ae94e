//! Tiers, and the floor of those below.

use proptest::prelude::*;

use super::play::job;
use super::stage::{Job, Stage, rules};
use crate::scheduler::facts::{ClassId, Head, QueueId};
use crate::scheduler::picker::Sight;
use crate::scheduler::rules::{Between, ClassTerms};
use crate::scheduler::strict::Strict;

/// Three priorities with two classes each, and two queues in each class.
fn tiers(shares: &[f64]) -> Vec<ClassTerms> {
    let priorities = (0..).map(|at| at / 2);
    shares
        .iter()
        .zip(priorities)
        .map(|(share, priority)| ClassTerms::new(*share, priority))
        .collect()
}

fn shares() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(1.0_f64..100.0, 6)
}

fn stage(floor: f64, shares: &[f64]) -> Stage {
    Stage::new(rules(Between::Strict { floor }, None), &tiers(shares), 2)
}

const fn tier(queue: QueueId) -> usize {
    queue.0 / 4
}

/// Arrivals, each followed by so many picks.
fn arrivals(served: std::ops::Range<u32>) -> impl Strategy<Value = Vec<(usize, Job, u32)>> {
    prop::collection::vec((0_usize..12, job(), served), 1..300)
}

/// What the most urgent tier with work owes to those below, less what these got.
#[derive(Default)]
struct Debt {
    of: Option<usize>,
    owed_ms: f64,
    least_ms: f64,
    dearest_ms: f64,
}

impl Debt {
    /// The debt over any time up to now in which both had work is the difference of two of these.
    fn book(&mut self, top: usize, served: usize, floor: f64, cost_ms: f64) -> f64 {
        if self.of != Some(top) {
            // The dearest may have been served before.
            *self = Self {
                of: Some(top),
                dearest_ms: self.dearest_ms,
                ..Self::default()
            };
        }
        self.dearest_ms = self.dearest_ms.max(cost_ms);
        self.owed_ms += floor * cost_ms - if served > top { cost_ms } else { 0.0 };
        self.least_ms = self.least_ms.min(self.owed_ms);
        self.owed_ms - self.least_ms
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn while_both_have_work_those_below_get_the_floor_less_one_task(
        floor in 0.0_f64..0.5,
        shares in shares(),
        arrivals in arrivals(0..3),
    ) {
        let mut stage = stage(floor, &shares);
        let mut debt = Debt::default();
        for (queue, job, served) in arrivals {
            stage.pass(1);
            let head = Head { since: stage.now, ..job.head };
            stage.put(queue, Job { head, ..job });
            for _ in 0..served {
                let with_work: Vec<usize> = stage.ready().map(|(queue, _)| tier(queue)).collect();
                let Some((queue, job)) = stage.serve_one(Sight::Blind) else { break };
                let top = with_work.iter().copied().min().unwrap();
                if with_work.iter().all(|tier| *tier == top) {
                    debt = Debt { dearest_ms: debt.dearest_ms.max(job.cost_ms), ..Debt::default() };
                    continue;
                }
                let owed_ms = debt.book(top, tier(queue), floor, job.cost_ms);
                prop_assert!(owed_ms <= debt.dearest_ms + 1e-6, "{owed_ms} owed, {} at most", debt.dearest_ms);
            }
        }
    }

    #[test]
    fn without_a_floor_the_most_urgent_goes_first(shares in shares(), arrivals in arrivals(0..3)) {
        let mut stage = stage(0.0, &shares);
        for (queue, job, served) in arrivals {
            stage.put(queue, job);
            for _ in 0..served {
                let top = stage.ready().map(|(queue, _)| tier(queue)).min();
                let served = stage.serve_one(Sight::Blind).map(|(queue, _)| tier(queue));
                prop_assert_eq!(served, top);
            }
        }
    }

    #[test]
    fn within_a_tier_the_gap_of_two_backlogged_classes_is_within_a_task_of_each(
        floor in 0.0_f64..0.5,
        shares in shares(),
        jobs in prop::collection::vec((0_usize..2, job()), 50..300),
    ) {
        let mut stage = stage(floor, &shares);
        let dearest_ms = jobs.iter().map(|(_, job)| job.cost_ms).fold(0.0, f64::max);
        let mut served = [0.0_f64; 6];
        // Both queues of each class hold two, so that no class is ever without work.
        (0..24).for_each(|at| stage.put(at % 12, jobs[0].1));
        for (_, next) in jobs {
            prop_assert!((0..6).all(|class| stage.is_backlogged(ClassId(class))));
            let (queue, job) = stage.serve_one(Sight::Blind).expect("all are backlogged");
            stage.put(queue.0, next);
            let class = stage.lines[queue.0].class.0;
            served[class] += job.cost_ms / shares[class];
            for (a, b) in [(0, 1), (2, 3), (4, 5)] {
                let gap = (served[a] - served[b]).abs();
                prop_assert!(gap <= dearest_ms / shares[a].min(shares[b]) + 1e-6, "{a} and {b}: {gap}");
            }
        }
    }
}

/// What the lower of two tiers gets of the service while both have work, when so many charges are out at once and each
/// is given back or not, as a coin falls: a worker asks for more than comes. At times the upper one cannot be served.
fn kept(floor: f64, out_at_once: usize) -> f64 {
    let mut strict = Strict::new(floor);
    for rank in 0..2 {
        strict.add(ClassId(rank as usize), 1.0, rank);
        strict.ready(QueueId(rank as usize));
    }
    let (mut coin, mut out, mut served) = (1_u64, Vec::new(), [0.0; 2]);
    for _ in 0..200_000 / out_at_once {
        for n in 0..out_at_once {
            let is_alone = 3 * n > 2 * out_at_once;
            match is_alone {
                true => strict.rest(QueueId(0)),
                false => strict.ready(QueueId(0)),
            }
            let queue = strict.choose().unwrap();
            strict.charge(queue, 10.0);
            out.push((queue, is_alone));
        }
        for (queue, is_alone) in out.drain(..) {
            coin = coin.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let cost_ms = if coin >> 63 == 0 { 10.0 } else { 0.0 };
            strict.settle(queue, 10.0, cost_ms);
            served[queue.0] += if is_alone { 0.0 } else { cost_ms };
        }
    }
    served[1] / (served[0] + served[1])
}

#[test]
fn charges_that_are_given_back_leave_the_floor_where_it_was() {
    for floor in [0.05, 0.2] {
        for out_at_once in [7, 15, 63] {
            let part = kept(floor, out_at_once);
            assert!(
                (part - floor).abs() <= 0.01,
                "{floor}, {out_at_once} out at once: {part}"
            );
        }
    }
}
