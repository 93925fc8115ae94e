//! What is not a worker: the sweep over the queues, deliveries that nobody answered for, and gateways.

use std::time::Duration;

use super::consumer::Reply;
use super::event::{Event, Facts, Order};
use super::world::World;
use crate::scheduler::facts::{Flow, Head, QueueId};
use crate::scheduler::intake::View;
use crate::task::{Moment, Shard, TenantId};

pub(super) fn moment(us: u64) -> Moment {
    Moment(Duration::from_micros(us))
}

impl World {
    /// What a worker can know of a task that was delivered, or a sweep of one that waits.
    pub(super) fn head(&self, task: usize) -> Head {
        let of = &self.tasks[task];
        Head {
            since: moment(of.arrived_us),
            deadline: of.facts.deadline_us.map(moment),
            flow: Some(Flow(u64::from(of.facts.tenant) + 1)),
            urgency: of.facts.urgency,
            business_weight: of.facts.business_weight,
            cost_ms: of.facts.hint_us.map(|us| us as f64 / 1000.0),
        }
    }

    /// Looks every queue over and tells what was seen.
    pub(super) fn sweep(&mut self) {
        let seen: Vec<_> = self.consumers.iter().map(|c| (c.depth(), c.head())).collect();
        for (known, (depth, _)) in self.seen_depth.iter_mut().zip(&seen) {
            *known = *depth as u64;
        }
        let at_us = self.now_us;
        self.at(at_us + self.setup.latency_us, Event::Views { seen, at_us });
        if let Some(sweep_us) = self.setup.sweep_us
            && !self.is_done()
        {
            self.at(at_us + sweep_us, Event::Sweep);
        }
    }

    pub(super) fn views(&mut self, seen: &[(usize, Option<usize>)], at_us: u64) {
        let now = moment(self.now_us);
        let views: Vec<View> = seen
            .iter()
            .map(|(depth, head)| View {
                depth: *depth as u64,
                head: head.map(|task| self.head(task)),
                taken_at: moment(at_us),
            })
            .collect();
        for worker in 0..self.workers.len() {
            for (queue, view) in views.iter().enumerate() {
                self.workers[worker].intake.viewed(QueueId(queue), view, now);
            }
            self.settle(worker);
        }
    }

    /// The shortest queue of a tenant's hand, as far as a gateway knows.
    pub(super) fn place(&self, facts: &Facts) -> usize {
        let queues: Vec<usize> = (0..self.setup.queues.len())
            .filter(|queue| self.setup.queues[*queue].class == facts.class)
            .collect();
        let hand = self.setup.classes[facts.class].hand;
        let tenant =
            TenantId::new(&format!("t{}", facts.tenant)).unwrap_or_else(|_| TenantId::default_tenant());
        let shards = u16::try_from(queues.len()).unwrap_or(u16::MAX);
        let hand = Shard::hand(&tenant, shards, hand);
        let places = hand.iter().filter_map(|shard| match shard {
            Shard::Stable(shard) => queues.get(usize::from(*shard)).copied(),
            Shard::Canary(_) => None,
        });
        places
            .min_by_key(|queue| self.seen_depth[*queue])
            .unwrap_or(queues[0])
    }

    /// A worker dies with all it holds, and another comes up in its place.
    pub(super) fn crash(&mut self, worker: usize) {
        let of = &mut self.workers[worker];
        let life = of.life + 1;
        let held: Vec<usize> = of.running.iter().chain(of.kept.values()).copied().collect();
        let mut next = self.setup.worker(worker, life);
        next.life = life;
        self.workers[worker] = next;
        self.consumers.iter_mut().for_each(|c| c.gone(worker));
        held.into_iter().for_each(|task| self.unanswered(task));
        self.settle(worker);
    }

    /// A reply that reached nobody.
    pub(super) fn unheard(&mut self, reply: Reply) {
        if let Reply::Task { task, .. } = reply {
            self.tasks[task].deliveries += 1;
            self.unanswered(task);
        }
    }

    /// Nobody will answer for the delivery of a task: the server waits for a while.
    fn unanswered(&mut self, task: usize) {
        let delivery = self.tasks[task].deliveries;
        let at_us = self.now_us + self.setup.ack_wait_us;
        self.at(at_us, Event::AckWait { task, delivery });
    }

    pub(super) fn ack_wait(&mut self, task: usize, delivery: u64) {
        let queue = self.tasks[task].queue;
        if self.tasks[task].deliveries == delivery && self.consumers[queue].is_out(task) {
            self.consumers[queue].handed_back(task);
            self.answer(queue);
        }
    }

    /// Tells the server what a worker has decided.
    pub(super) fn give_up(&mut self, worker: usize, task: usize, end: crate::sim::record::End) {
        self.up(worker, Order::GivenUp { task, end });
    }
}
