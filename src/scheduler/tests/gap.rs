//! Service of backlogged classes under `weighted`.

use proptest::prelude::*;

use super::stage::{Job, Stage, rules};
use crate::scheduler::credit::{Credit, Standing};
use crate::scheduler::facts::{ClassId, Head};
use crate::scheduler::picker::Sight;
use crate::scheduler::rules::{Between, ClassTerms, Rules};

const QUEUES_EACH: u32 = 3;

/// A task for one of the queues of a class, and whether one comes for a class that is idle at times.
#[derive(Debug, Clone, Copy)]
struct Deal {
    queue: usize,
    cost_ms: f64,
    wrong: f64,
    also: Option<usize>,
}

fn deals() -> impl Strategy<Value = Vec<Deal>> {
    let queue = 0..QUEUES_EACH as usize;
    let deal = (queue, 1.0_f64..200.0, 0.1_f64..10.0, prop::option::of(2_usize..5)).prop_map(
        |(queue, cost_ms, wrong, also)| Deal {
            queue,
            cost_ms,
            wrong,
            also,
        },
    );
    prop::collection::vec(deal, 50..400)
}

impl Deal {
    fn job(&self, stage: &Stage) -> Job {
        Job {
            head: Head::arrived(stage.now),
            cost_ms: self.cost_ms,
            estimate_ms: self.cost_ms * self.wrong,
        }
    }
}

struct World {
    stage: Stage,
    /// Parts of one whole.
    weights: Vec<f64>,
    quantum_ms: f64,
    /// Of each class, what it was served for its weight.
    served: Vec<f64>,
}

impl World {
    fn new(shares: &[u32], quantum_ms: f64, slots: usize) -> Self {
        let classes: Vec<ClassTerms> = shares
            .iter()
            .map(|share| ClassTerms::new(f64::from(*share), 1))
            .collect();
        let rules = Rules {
            quantum_ms,
            ..rules(Between::Weighted, None)
        };
        let sum: f64 = classes.iter().map(|terms| terms.share).sum();
        Self {
            stage: Stage::new(rules, &classes, QUEUES_EACH).with_slots(slots),
            weights: classes.iter().map(|terms| terms.share / sum).collect(),
            quantum_ms,
            served: vec![0.0; classes.len()],
        }
    }

    /// Keeps the first two classes backlogged, the others at times, and serves one task.
    fn serve(&mut self, deal: &Deal) {
        let classes = self.weights.len();
        let kept = (0..2).filter(|class| !self.stage.is_backlogged(ClassId(*class)));
        let kept: Vec<usize> = kept.chain(deal.also.filter(|class| *class < classes)).collect();
        for class in kept {
            let job = deal.job(&self.stage);
            self.stage.put(class * QUEUES_EACH as usize + deal.queue, job);
        }
        let (queue, job) = self
            .stage
            .serve(Sight::Blind)
            .expect("two classes are backlogged");
        let class = self.stage.lines[queue.0].class;
        self.served[class.0] += job.cost_ms / self.weights[class.0];
    }

    fn gap(&self, a: usize, b: usize) -> f64 {
        self.served[a] - self.served[b]
    }

    fn bound(&self, a: usize, b: usize, dearest_ms: f64) -> f64 {
        2.0 * dearest_ms / self.weights[a].min(self.weights[b]) + self.quantum_ms
    }
}

/// The least and the largest gap over some time.
#[derive(Debug, Clone, Copy)]
struct Range(f64, f64);

impl Range {
    const NONE: Self = Self(f64::INFINITY, f64::NEG_INFINITY);

    fn with(self, gap: f64) -> Self {
        Self(self.0.min(gap), self.1.max(gap))
    }

    fn width(self) -> f64 {
        self.1 - self.0
    }
}

fn dearest(of: impl Iterator<Item = f64>) -> f64 {
    of.fold(0.0, f64::max)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_gap_of_two_backlogged_classes_is_within_twice_the_dearest_over_the_least_share_and_a_quantum(
        shares in prop::collection::vec(1_u32..100, 2..6),
        quantum_ms in 1.0_f64..400.0,
        deals in deals(),
    ) {
        let count = shares.len();
        let mut world = World::new(&shares, quantum_ms, 1);
        let dearest_ms = dearest(deals.iter().map(|deal| deal.cost_ms));
        let mut gaps = vec![vec![Range::NONE; count]; count];
        for deal in &deals {
            // Over any time in which both are backlogged, from any moment of it to any other.
            for (a, b) in (0..count).flat_map(|a| (0..a).map(move |b| (a, b))) {
                let both = [a, b].iter().all(|class| world.stage.is_backlogged(ClassId(*class)));
                gaps[a][b] = if both { gaps[a][b].with(world.gap(a, b)) } else { Range::NONE };
                let (width, bound) = (gaps[a][b].width(), world.bound(a, b, dearest_ms));
                prop_assert!(width <= bound + 1e-6, "{a} and {b}: {width} of {bound}");
            }
            world.serve(deal);
        }
    }
}

/// A tiny quantum takes so many rounds for a task that they have to be counted anew over and over.
#[test]
fn rounds_without_end_are_counted_anew_and_the_shares_stay() {
    for quantum_ms in [1e-6, 1e-3] {
        let mut credit = Credit::new(quantum_ms);
        let classes = [3.0, 1.0].map(|share| credit.add(share));
        classes
            .iter()
            .for_each(|class| credit.stand(*class, Standing::Ready));
        let mut served = [0_u32; 2];
        for _ in 0..40_000 {
            let class = credit.choose().unwrap();
            credit.charge(class, 1_000.0);
            served[class.0] += 1;
        }
        assert!((29_990..=30_010).contains(&served[0]), "{quantum_ms}: {served:?}");
    }
}
