//! What a world is made of.

use super::super::{Intake, IntakeConfig, QueueSpec};
use super::worker::Worker;

/// A limit nobody reaches.
pub(super) const FAR: u32 = 10_000;

#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) share: f64,
    pub(super) limit: u32,
    pub(super) estimate_ms: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) seed: u64,
    pub(super) latency_us: u64,
    pub(super) jitter_us: u64,
    /// Slots of each worker.
    pub(super) workers: Vec<u32>,
    pub(super) lanes: Vec<Lane>,
    pub(super) slow: Slow,
}

/// How the server dawdles over asks: over so many percent of them for up to [`SLOW_ROUND_TRIPS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slow {
    Never,
    /// Before it has read them: then the answer is as late.
    Reading(u64),
    /// Once it has: then their expiry runs meanwhile.
    Serving(u64),
}

pub(super) const SLOW_ROUND_TRIPS: u64 = 4;

impl Setup {
    /// Unlimited classes of these shares, 1.5 ms each way give or take a tenth, so that twice the
    /// round trip is above the least deadline.
    pub(super) fn new(workers: Vec<u32>, shares: &[f64], estimate_ms: f64) -> Self {
        let lane = |share: &f64| Lane {
            share: *share,
            limit: FAR,
            estimate_ms,
        };
        Self {
            seed: 1,
            latency_us: 1500,
            jitter_us: 150,
            workers,
            lanes: shares.iter().map(lane).collect(),
            slow: Slow::Never,
        }
    }

    pub(super) fn limit(mut self, lane: usize, limit: u32) -> Self {
        self.lanes[lane].limit = limit;
        self
    }

    pub(super) fn slow(mut self, slow: Slow) -> Self {
        self.slow = slow;
        self
    }

    pub(super) fn worker(&self, at: usize) -> Worker {
        let slots = self.workers[at];
        let mut intake = Intake::new(IntakeConfig {
            slots,
            quantum_ms: 50.0,
            seed: self.seed.wrapping_mul(1000) + at as u64,
        });
        let classes: Vec<_> = self.lanes.iter().map(|l| intake.add_class(l.share)).collect();
        for (lane, class) in self.lanes.iter().zip(classes) {
            intake.add_queue(QueueSpec {
                class,
                estimate_ms: lane.estimate_ms,
                limit: lane.limit,
            });
        }
        Worker::new(intake, slots)
    }

    /// A round trip at its longest.
    pub(super) fn round_trip_us(&self) -> u64 {
        2 * (self.latency_us + self.jitter_us)
    }
}

/// Numbers that look random and depend on the seed alone (splitmix64).
#[derive(Debug, Clone)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}
