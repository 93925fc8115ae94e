//! Worlds as tests want them: classes with a queue each.

use crate::scheduler::rate::Rate;
use crate::scheduler::rules::{ClassTerms, Rules};
use crate::sim::mesh::consumer::Consumer;
pub(super) use crate::sim::mesh::event::Event;
pub(super) use crate::sim::mesh::setup::{ClassSetup, Dice, FAR, QueueSetup, Setup, Slow};
pub(super) use crate::sim::mesh::world::World;
pub(super) use crate::sim::task::{Facts, Task};

impl Setup {
    /// Unlimited classes of these shares, 1.5 ms each way give or take a tenth, so that twice the
    /// round trip is above the least deadline.
    pub(super) fn new(workers: Vec<u32>, shares: &[f64], estimate_ms: f64) -> Self {
        let class = |share: &f64| ClassSetup {
            terms: ClassTerms::new(*share, 1),
            estimate_ms,
            hand: 1,
            rate: None,
        };
        let queue = |class| QueueSetup {
            class,
            lane: 0,
            limit: FAR,
        };
        Self {
            seed: 1,
            latency_us: 1500,
            jitter_us: 150,
            workers,
            rules: Rules::default(),
            classes: shares.iter().map(class).collect(),
            queues: (0..shares.len()).map(queue).collect(),
            slow: Slow::default(),
            sweep_us: None,
            ack_wait_us: 10_000_000,
        }
    }

    pub(super) fn limit(mut self, queue: usize, limit: u32) -> Self {
        self.queues[queue].limit = limit;
        self
    }

    pub(super) fn rate(mut self, class: usize, per_s: f64, burst: f64) -> Self {
        self.classes[class].rate = Some(Rate { per_s, burst });
        self
    }

    pub(super) fn slow(mut self, slow: Slow) -> Self {
        self.slow = slow;
        self
    }
}

impl Slow {
    pub(super) const fn reading(percent: u64) -> Self {
        Self {
            reading: percent,
            serving: 0,
        }
    }

    pub(super) const fn serving(percent: u64) -> Self {
        Self {
            reading: 0,
            serving: percent,
        }
    }
}

impl World {
    /// Publishes so many tasks of that cost at that time.
    pub(super) fn publish(&mut self, at_ms: u64, queue: usize, count: u32, cost_us: u64) {
        self.unpublished += count;
        for _ in 0..count {
            let facts = Facts::plain(queue, cost_us);
            let queue = Some(queue);
            self.at(at_ms * 1000, Event::Publish { queue, facts });
        }
    }

    pub(super) fn run_until_ms(&mut self, end_ms: u64) {
        self.run_while(|w| {
            let next = w.events.first_key_value().map(|((at, _), _)| *at);
            next.is_some_and(|at| at <= end_ms * 1000)
        });
        self.now_us = self.now_us.max(end_ms * 1000);
    }

    /// What the shell does when it is told to stop.
    pub(super) fn drain(&mut self, worker: usize) {
        self.workers[worker].draining = true;
        self.workers[worker].intake.drain();
        self.settle(worker);
    }

    /// What the shell does when its connection is back.
    pub(super) fn reconnect(&mut self, worker: usize) {
        self.workers[worker].intake.reconnected();
        self.settle(worker);
    }
}

impl Consumer {
    /// Tasks never delivered so far.
    pub(super) fn backlog(&self) -> usize {
        self.fresh.len()
    }

    pub(super) fn pulls_of(&self, worker: usize) -> usize {
        self.pulls.iter().filter(|p| p.worker == worker).count()
    }
}
