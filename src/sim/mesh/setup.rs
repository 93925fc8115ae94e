//! What a mesh is made of.

use super::worker::Worker;
use crate::scheduler::intake::{Intake, IntakeConfig, QueueSpec};
use crate::scheduler::rate::Rate;
use crate::scheduler::rules::{ClassTerms, Rules};

/// A limit nobody reaches.
pub const FAR: u32 = 10_000;

/// One queue, which is a consumer of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueSetup {
    pub(crate) class: usize,
    /// Its lane by place, 0 the most urgent.
    pub(crate) lane: u32,
    /// Tasks of it that may be out at once.
    pub(crate) limit: u32,
}

/// One class.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClassSetup {
    pub(crate) terms: ClassTerms,
    /// What workers expect one of its tasks to cost before they have seen any.
    pub(crate) estimate_ms: f64,
    /// Buckets that a tenant may use.
    pub(crate) hand: u16,
    /// How many of its tasks may start in a time, over all workers.
    pub(crate) rate: Option<Rate>,
}

#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    /// One way between a worker and the server, give or take `jitter_us`.
    pub(crate) latency_us: u64,
    pub(crate) jitter_us: u64,
    /// Slots of each worker.
    pub(crate) workers: Vec<u32>,
    pub(crate) rules: Rules,
    pub(crate) classes: Vec<ClassSetup>,
    pub(crate) queues: Vec<QueueSetup>,
    pub(crate) slow: Slow,
    /// How often queues are looked over and heads told; none where nobody does.
    pub(crate) sweep_us: Option<u64>,
    /// Silence after which a delivery is made again.
    pub(crate) ack_wait_us: u64,
}

/// Over how many percent of asks the server dawdles, each for up to [`SLOW_ROUND_TRIPS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Slow {
    /// Before it has read them: then the answer is as late.
    pub(crate) reading: u64,
    /// Once it has: then their expiry runs meanwhile.
    pub(crate) serving: u64,
}

pub(super) const SLOW_ROUND_TRIPS: u64 = 4;

/// The seed of the worker of that number in a run of that seed.
#[must_use]
pub const fn seed_of_worker(seed: u64, at: u64) -> u64 {
    seed.wrapping_mul(1000).wrapping_add(at)
}

impl Setup {
    pub(super) fn worker(&self, at: usize, life: u64) -> Worker {
        let slots = self.workers[at];
        let mut intake = Intake::new(IntakeConfig {
            slots,
            rules: self.rules,
            seed: seed_of_worker(self.seed, at as u64).wrapping_add(life.wrapping_mul(0x9e37_79b9)),
        });
        let classes: Vec<_> = self
            .classes
            .iter()
            .map(|class| (intake.add_class(class.terms), intake.add_cost(class.estimate_ms)))
            .collect();
        for queue in &self.queues {
            let (class, cost) = classes[queue.class];
            intake.add_queue(QueueSpec {
                class,
                lane: queue.lane,
                cost,
                limit: queue.limit,
            });
        }
        self.meter(&mut intake);
        Worker::new(intake, slots)
    }

    /// A round trip at its longest.
    pub(super) fn round_trip_us(&self) -> u64 {
        2 * (self.latency_us + self.jitter_us)
    }
}

/// Numbers that look random and depend on the seed alone (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}
