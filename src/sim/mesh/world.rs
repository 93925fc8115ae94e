//! Time and the network.

use std::collections::BTreeMap;

use super::consumer::{Consumer, Inbox, Pull, Reply};
use super::event::{Event, Order};
use super::setup::{Dice, SLOW_ROUND_TRIPS, Setup};
use super::worker::Worker;
use crate::scheduler::rate::Lender;
use crate::sim::record::End;
use crate::sim::task::{Facts, Task};

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
    /// Workers are told of tasks that come to queues in which few wait.
    pub(super) telling: bool,
    /// Tasks that reports count and that are in the system now, and the integral of their number over time.
    in_system: u64,
    pub(super) in_system_us: f64,
    /// What was last seen of each queue's depth, and what was published since: what a gateway knows.
    pub(super) seen_depth: Vec<u64>,
    /// Who sends the next task when this one is answered: the facts of each client's tasks.
    pub(super) clients: Vec<Facts>,
    /// No client sends after this time.
    pub(super) clients_until_us: u64,
    pub(super) events: BTreeMap<(u64, u64), Event>,
    pub(super) unpublished: u32,
    serial: u64,
    pub(super) handled: u64,
    /// Events since time last moved, and when that was.
    pub(super) at_once: u64,
    pub(super) checked_us: u64,
    pub(super) lender: Lender,
    /// When it looks whether tokens have come, if somebody waits for some.
    pub(super) lends_at_us: Option<u64>,
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
            consumers: setup.queues.iter().map(|q| Consumer::new(q.limit)).collect(),
            workers: (0..count).map(|at| setup.worker(at, 0)).collect(),
            hand_backs: 0,
            handed_back_us: Vec::new(),
            finished: 0,
            idle_beside_ready_us: 0,
            losing: false,
            telling: false,
            in_system: 0,
            in_system_us: 0.0,
            seen_depth: vec![0; setup.queues.len()],
            clients: Vec::new(),
            clients_until_us: 0,
            events: BTreeMap::new(),
            unpublished: 0,
            serial: 0,
            handled: 0,
            at_once: 0,
            checked_us: 0,
            lender: Self::lender(&setup),
            lends_at_us: None,
            dice: Dice(setup.seed),
            ready_since_us: vec![None; setup.queues.len()],
            last_up_us: vec![0; count],
            last_down_us: vec![0; count],
            setup,
        };
        (0..count).for_each(|worker| world.at(0, Event::Wake { worker }));
        if let Some(sweep_us) = world.setup.sweep_us {
            world.at(sweep_us, Event::Sweep);
        }
        world
    }

    /// Publishes a task at that time, on the shortest queue of its tenant's hand.
    pub(super) fn submit(&mut self, at_us: u64, facts: Facts) {
        self.unpublished += 1;
        self.at(at_us, Event::Publish { queue: None, facts });
    }

    /// Runs while `on` says so and anything is left to happen.
    pub(super) fn run_while(&mut self, on: impl Fn(&World) -> bool) {
        while on(self) {
            let Some(((at, _), event)) = self.events.pop_first() else {
                return;
            };
            self.in_system_us += self.in_system as f64 * (at - self.now_us) as f64;
            self.now_us = at;
            self.handle(event);
            self.check();
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.unpublished == 0 && self.consumers.iter().all(Consumer::is_done)
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
        let reading_us = if order.is_ask() {
            self.delay_us(self.setup.slow.reading)
        } else {
            0
        };
        self.at(arrival + reading_us, Event::Up { worker, order });
    }

    /// How long the server dawdles over an ask.
    fn delay_us(&mut self, percent: u64) -> u64 {
        if percent == 0 || self.dice.below(100) >= percent {
            return 0;
        }
        self.dice.below(SLOW_ROUND_TRIPS * self.setup.round_trip_us())
    }

    fn published(&mut self, queue: Option<usize>, facts: Facts) {
        self.unpublished -= 1;
        let queue = queue.unwrap_or_else(|| self.place(&facts));
        self.seen_depth[queue] += 1;
        self.in_system += u64::from(facts.is_counted);
        self.tasks.push(Task::new(queue, facts, self.now_us));
        self.consumers[queue].publish(self.tasks.len() - 1);
        self.answer(queue);
        if self.telling {
            self.tell_of(queue);
        }
    }

    /// A task has left the system; its client sends the next one.
    pub(super) fn ended(&mut self, task: usize, end: End) {
        let of = &mut self.tasks[task];
        (of.finished_us, of.end) = (Some(self.now_us), end);
        self.in_system -= u64::from(of.facts.is_counted);
        if let Some(client) = of.facts.client
            && self.now_us < self.clients_until_us
        {
            let facts = self.clients[client];
            self.submit(self.now_us, facts);
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Publish { queue, facts } => self.published(queue, facts),
            Event::Sweep => self.sweep(),
            Event::Views { seen, at_us } => self.views(&seen, at_us),
            Event::Crash { worker } => self.crash(worker),
            Event::AckWait { task, delivery } => self.ack_wait(task, delivery),
            Event::Up { worker, order } => self.serve(worker, order),
            Event::PullAwakes { queue, serial } => {
                self.consumers[queue].awake(serial);
                self.answer(queue);
            }
            Event::PullExpires { queue, serial } => {
                self.consumers[queue].expired(serial);
                self.answer(queue);
            }
            Event::Down {
                worker,
                life,
                queue,
                reply,
            } if life == self.workers[worker].life => {
                self.heard(worker, queue, reply);
                self.settle(worker);
            }
            Event::Down { reply, .. } => self.unheard(reply),
            Event::Refilled => self.refilled(),
            Event::Lent { worker, life, lent } => {
                if life == self.workers[worker].life {
                    self.lent(worker, &lent);
                    self.settle(worker);
                }
            }
            Event::Done {
                worker,
                task,
                delivery,
            } => {
                let runs = self.workers[worker].running.contains(&task);
                if runs && self.tasks[task].deliveries == delivery {
                    self.finish(worker, task);
                    self.settle(worker);
                }
            }
            Event::Told { worker, life, queue } => {
                if life == self.workers[worker].life {
                    self.told(worker, queue);
                }
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
                let delay_us = match inbox {
                    Inbox::Ask(_) => self.delay_us(self.setup.slow.serving),
                    Inbox::Wait { .. } => 0,
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
            Order::Plead { life, plea } => self.pleaded(worker, life, &plea),
            Order::Ack { task } => {
                let queue = self.tasks[task].queue;
                self.consumers[queue].acked(task);
                self.answer(queue);
            }
            Order::GivenUp { task, end } => {
                let queue = self.tasks[task].queue;
                self.ended(task, end);
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

    pub(super) fn answer(&mut self, queue: usize) {
        for (worker, reply) in self.consumers[queue].take_replies() {
            if matches!(reply, Reply::Task { .. }) {
                self.workers[worker].coming += 1;
            }
            let life = self.workers[worker].life;
            let event = Event::Down {
                worker,
                life,
                queue,
                reply,
            };
            self.down(worker, event);
        }
    }

    /// Something travels to a worker.
    pub(super) fn down(&mut self, worker: usize, event: Event) {
        let arrival = (self.now_us + self.latency_us()).max(self.last_down_us[worker]);
        self.last_down_us[worker] = arrival;
        self.at(arrival, event);
    }
}
