//! Time and the network.

use std::collections::BTreeMap;

use super::super::facts::QueueId;
use super::consumer::{Consumer, Inbox, Pull, Reply};
use super::event::{Event, Order, Task};
use super::setup::{Dice, SLOW_ROUND_TRIPS, Setup, Slow};
use super::worker::Worker;

pub(super) struct World {
    pub(super) now_us: u64,
    pub(super) tasks: Vec<Task>,
    pub(super) consumers: Vec<Consumer>,
    pub(super) workers: Vec<Worker>,
    pub(super) hand_backs: u64,
    pub(super) handed_back_us: Vec<u64>,
    pub(super) finished: u64,
    /// The longest that a slot was idle beside a queue that was ready all the while.
    pub(super) idle_beside_ready_us: u64,
    /// Pulls vanish on the way.
    pub(super) losing: bool,
    events: BTreeMap<(u64, u64), Event>,
    unpublished: u32,
    serial: u64,
    pub(super) handled: u64,
    pub(super) setup: Setup,
    dice: Dice,
    pub(super) ready_since_us: Vec<Option<u64>>,
    /// When the last message of a connection arrives: none overtakes another.
    last_up_us: Vec<u64>,
    last_down_us: Vec<u64>,
}

impl World {
    pub(super) fn new(setup: Setup) -> Self {
        let count = setup.workers.len();
        let mut world = Self {
            now_us: 0,
            tasks: Vec::new(),
            consumers: setup.lanes.iter().map(|l| Consumer::new(l.limit)).collect(),
            workers: (0..count).map(|at| setup.worker(at)).collect(),
            hand_backs: 0,
            handed_back_us: Vec::new(),
            finished: 0,
            idle_beside_ready_us: 0,
            losing: false,
            events: BTreeMap::new(),
            unpublished: 0,
            serial: 0,
            handled: 0,
            dice: Dice(setup.seed),
            ready_since_us: vec![None; setup.lanes.len()],
            last_up_us: vec![0; count],
            last_down_us: vec![0; count],
            setup,
        };
        (0..count).for_each(|worker| world.at(0, Event::Wake { worker }));
        world
    }

    /// Publishes so many tasks of that cost at that time.
    pub(super) fn publish(&mut self, at_ms: u64, queue: usize, count: u32, cost_us: u64) {
        self.unpublished += count;
        for _ in 0..count {
            self.at(at_ms * 1000, Event::Publish { queue, cost_us });
        }
    }

    /// Runs while `on` says so and anything is left to happen.
    pub(super) fn run_while(&mut self, on: impl Fn(&World) -> bool) {
        while on(self) {
            let Some(((at, _), event)) = self.events.pop_first() else {
                return;
            };
            self.now_us = at;
            self.handle(event);
            self.check();
        }
    }

    pub(super) fn run_until_ms(&mut self, end_ms: u64) {
        self.run_while(|w| {
            w.events
                .first_key_value()
                .is_some_and(|((at, _), _)| *at <= end_ms * 1000)
        });
        self.now_us = self.now_us.max(end_ms * 1000);
    }

    pub(super) fn is_done(&self) -> bool {
        self.unpublished == 0 && self.consumers.iter().all(Consumer::is_done)
    }

    /// What the shell does when it is told to stop.
    pub(super) fn drain(&mut self, worker: usize) {
        self.workers[worker].draining = true;
        self.workers[worker].intake.drain();
        while let Some(task) = self.workers[worker].parked.pop_front() {
            self.workers[worker]
                .intake
                .unparked(QueueId(self.tasks[task].queue));
            self.hand_back(worker, task);
        }
        self.settle(worker);
    }

    /// What the shell does when its connection is back.
    pub(super) fn reconnect(&mut self, worker: usize) {
        self.workers[worker].intake.reconnected();
        self.settle(worker);
    }

    pub(super) fn at(&mut self, at_us: u64, event: Event) {
        self.serial += 1;
        self.events.insert((at_us, self.serial), event);
    }

    fn latency_us(&mut self) -> u64 {
        let spread = self.dice.below(2 * self.setup.jitter_us + 1);
        self.setup.latency_us + spread - self.setup.jitter_us
    }

    pub(super) fn up(&mut self, worker: usize, order: Order) {
        let arrival = (self.now_us + self.latency_us()).max(self.last_up_us[worker]);
        self.last_up_us[worker] = arrival;
        let reading_us = match self.setup.slow {
            Slow::Reading(percent) if order.is_ask() => self.delay_us(percent),
            _ => 0,
        };
        self.at(arrival + reading_us, Event::Up { worker, order });
    }

    /// How long the server dawdles over an ask.
    fn delay_us(&mut self, percent: u64) -> u64 {
        if self.dice.below(100) >= percent {
            return 0;
        }
        self.dice.below(SLOW_ROUND_TRIPS * self.setup.round_trip_us())
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Publish { queue, cost_us } => {
                self.unpublished -= 1;
                self.tasks.push(Task {
                    queue,
                    cost_us,
                    started_us: None,
                    finished_us: None,
                    deliveries: 0,
                });
                self.consumers[queue].publish(self.tasks.len() - 1);
                self.answer(queue);
            }
            Event::Up { worker, order } => self.serve(worker, order),
            Event::PullAwakes { queue, serial } => {
                self.consumers[queue].awake(serial);
                self.answer(queue);
            }
            Event::PullExpires { queue, serial } => {
                self.consumers[queue].expired(serial);
                self.answer(queue);
            }
            Event::Down { worker, queue, reply } => {
                self.heard(worker, queue, reply);
                self.settle(worker);
            }
            Event::Done { worker, task } => {
                self.finish(worker, task);
                self.settle(worker);
            }
            Event::Wake { worker } => {
                if self.workers[worker].wake_us.is_none_or(|at| at <= self.now_us) {
                    self.settle(worker);
                }
            }
        }
    }

    fn serve(&mut self, worker: usize, order: Order) {
        match order {
            Order::Pull {
                queue,
                inbox,
                batch,
                expires,
            } => {
                if self.losing {
                    return;
                }
                self.serial += 1;
                let serial = self.serial;
                let expires_us = expires.as_micros() as u64;
                self.at(self.now_us + expires_us, Event::PullExpires { queue, serial });
                let delay_us = match (self.setup.slow, inbox) {
                    (Slow::Serving(percent), Inbox::Ask(_)) => self.delay_us(percent),
                    _ => 0,
                };
                if delay_us > 0 {
                    self.at(self.now_us + delay_us, Event::PullAwakes { queue, serial });
                }
                self.consumers[queue].pull(Pull {
                    serial,
                    worker,
                    inbox,
                    left: batch,
                    awake: delay_us == 0,
                });
                self.answer(queue);
            }
            Order::Withdraw { generation } => {
                self.consumers
                    .iter_mut()
                    .for_each(|c| c.withdrawn(worker, generation));
            }
            Order::Ack { task } => {
                let queue = self.tasks[task].queue;
                self.consumers[queue].acked(task);
                self.answer(queue);
            }
            Order::HandBack { task } => {
                let queue = self.tasks[task].queue;
                self.consumers[queue].handed_back(task);
                self.answer(queue);
            }
        }
    }

    fn answer(&mut self, queue: usize) {
        for (worker, reply) in self.consumers[queue].take_replies() {
            if matches!(reply, Reply::Task { .. }) {
                self.workers[worker].coming += 1;
            }
            let arrival = (self.now_us + self.latency_us()).max(self.last_down_us[worker]);
            self.last_down_us[worker] = arrival;
            self.at(arrival, Event::Down { worker, queue, reply });
        }
    }
}
