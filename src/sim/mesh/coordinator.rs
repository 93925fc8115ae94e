//! What is not a worker: the sweep over the queues, deliveries that nobody answered for, and gateways.

use super::consumer::Reply;
use super::event::{Event, Order};
use super::world::World;
use crate::scheduler::facts::QueueId;
use crate::scheduler::intake::{Event as Told, View};
use crate::sim::record::End;
use crate::sim::task::{Facts, moment};

/// Tasks in a queue beyond which nobody is told of one more.
const TOLD_MAX: usize = 16;

impl World {
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
                head: head.map(|task| self.tasks[task].head()),
                taken_at: moment(at_us),
            })
            .collect();
        for worker in 0..self.workers.len() {
            for (queue, view) in views.iter().enumerate() {
                self.workers[worker].hear(Told::Viewed(QueueId(queue), *view), now);
            }
            self.settle(worker);
        }
    }

    /// Tells every worker that a task came to a queue, unless many wait in it.
    pub(super) fn tell_of(&mut self, queue: usize) {
        if self.consumers[queue].depth() > TOLD_MAX {
            return;
        }
        for worker in 0..self.workers.len() {
            let life = self.workers[worker].life;
            self.down(worker, Event::Told { worker, life, queue });
        }
    }

    pub(super) fn told(&mut self, worker: usize, queue: usize) {
        let now = moment(self.now_us);
        self.workers[worker].intake.woken(QueueId(queue), now);
        self.settle(worker);
    }

    /// The shortest queue of a tenant's hand, as far as a gateway knows.
    pub(super) fn place(&self, facts: &Facts) -> usize {
        let queues: Vec<usize> = (0..self.setup.queues.len())
            .filter(|queue| self.setup.queues[*queue].class == facts.class)
            .collect();
        let shards = u16::try_from(queues.len()).unwrap_or(u16::MAX);
        let hand = facts.hand(shards, self.setup.classes[facts.class].hand);
        let places = hand
            .iter()
            .filter_map(|shard| queues.get(usize::from(*shard)).copied());
        places
            .min_by_key(|queue| self.seen_depth[*queue])
            .unwrap_or(queues[0])
    }

    /// A worker dies with all it holds, and another comes up in its place.
    pub(super) fn crash(&mut self, worker: usize) {
        let of = &mut self.workers[worker];
        let life = of.life + 1;
        let held: Vec<usize> = of.running.iter().chain(of.kept.values()).copied().collect();
        let next = self.setup.worker(worker, life);
        let dead = std::mem::replace(&mut self.workers[worker], next);
        self.workers[worker].succeed(dead);
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
    pub(super) fn give_up(&mut self, worker: usize, task: usize, end: End) {
        self.up(worker, Order::GivenUp { task, end });
    }
}
