//! What a worker's shell does with events, as `crate::worker` does with those of a server.

use super::consumer::{Inbox, Reply};
use super::event::{Event, Order};
use super::world::World;
use crate::scheduler::facts::QueueId;
use crate::scheduler::intake::{Admission, Answer, Arrival, Decision, Event as Told, Source};
use crate::scheduler::rules::Infeasible;
use crate::sim::record::End;
use crate::sim::task::moment;
use crate::task::Moment;

/// A world that spins ends here: so many events at one moment.
const EVENTS_AT_ONCE_MAX: u64 = 3_000_000;

impl World {
    fn moment(&self) -> Moment {
        moment(self.now_us)
    }

    pub(super) fn heard(&mut self, worker: usize, queue: usize, reply: Reply) {
        let now = self.moment();
        let id = QueueId(queue);
        match reply {
            Reply::Ended {
                inbox: Inbox::Ask(pull),
                end,
            } => {
                self.workers[worker].hear(Told::AskEnded(id, pull, end), now);
            }
            Reply::Ended {
                inbox: Inbox::Wait { generation },
                ..
            } => {
                self.workers[worker].hear(Told::WaitEnded(id, generation, false), now);
            }
            Reply::Task { task, inbox, backlog } => {
                let source = match inbox {
                    Inbox::Ask(_) => Source::Ask,
                    Inbox::Wait { .. } => Source::Wait,
                };
                self.tasks[task].deliveries += 1;
                let arrival = Arrival {
                    backlog,
                    deliveries: self.tasks[task].deliveries,
                    task: self.tasks[task].head(),
                };
                let on = &mut self.workers[worker];
                on.coming -= 1;
                let Answer::Admission(admission) = on.hear(Told::Delivered(id, source, arrival), now) else {
                    return;
                };
                match admission {
                    Admission::Start => self.start(worker, task),
                    Admission::Keep(ticket) => {
                        on.kept.insert(ticket, task);
                    }
                    Admission::HandBack => self.hand_back(worker, task),
                    Admission::GiveUp(how) => self.give_up(worker, task, end_of(how)),
                }
            }
        }
    }

    pub(super) fn hand_back(&mut self, worker: usize, task: usize) {
        self.hand_backs += 1;
        self.handed_back_us.push(self.now_us);
        self.up(worker, Order::HandBack { task });
    }

    fn start(&mut self, worker: usize, task: usize) {
        let of = &mut self.tasks[task];
        assert!(
            of.started_us.is_none() || of.deliveries > 1,
            "task {task} starts twice"
        );
        of.started_us = Some(self.now_us);
        let (cost_us, delivery) = (of.facts.cost_us, of.deliveries);
        let on = &mut self.workers[worker];
        on.started += 1;
        on.running.push(task);
        let done = Event::Done {
            worker,
            task,
            delivery,
        };
        self.at(self.now_us + cost_us, done);
    }

    pub(super) fn finish(&mut self, worker: usize, task: usize) {
        let (queue, facts) = (self.tasks[task].queue, self.tasks[task].facts);
        // A copy that ran beside another one is dropped at the fence.
        if self.tasks[task].finished_us.is_none() {
            self.ended(task, End::Done);
            self.finished += 1;
        }
        let on = &mut self.workers[worker];
        on.started -= 1;
        on.running.retain(|running| *running != task);
        let cost_ms = facts.cost_us as f64 / 1000.0;
        on.hear(
            Told::Finished(QueueId(queue), Some(facts.flow()), cost_ms),
            moment(self.now_us),
        );
        self.up(worker, Order::Ack { task });
    }

    /// Takes what the intake decides and sets the timer it asks for.
    pub(super) fn settle(&mut self, worker: usize) {
        let now = self.moment();
        while let Answer::Decision(Some(decision)) = self.workers[worker].hear(Told::Polled, now) {
            self.send(worker, decision);
        }
        let on = &mut self.workers[worker];
        assert_eq!(on.started, on.intake.running(), "worker {worker} has lost count");
        let next = on.intake.next_deadline();
        assert!(next.is_none_or(|at| at > now), "worker {worker} spins at {now:?}");
        let wake_us = next.map(|at| at.0.as_nanos().div_ceil(1000) as u64);
        if wake_us != on.wake_us {
            on.wake_us = wake_us;
            wake_us
                .into_iter()
                .for_each(|at| self.at(at, Event::Wake { worker }));
        }
    }

    fn send(&mut self, worker: usize, decision: Decision) {
        let on = &mut self.workers[worker];
        assert!(
            !on.draining || !matches!(decision, Decision::Ask { .. } | Decision::Wait { .. }),
            "{decision:?} while draining"
        );
        let order = match decision {
            Decision::Ask {
                queue,
                pull,
                batch,
                expires,
            } => {
                on.asks += 1;
                let (queue, inbox) = (queue.0, Inbox::Ask(pull));
                Order::Pull {
                    queue,
                    inbox,
                    batch,
                    expires,
                }
            }
            Decision::Wait {
                queue,
                generation,
                expires,
            } => {
                on.waits += 1;
                let (queue, inbox) = (queue.0, Inbox::Wait { generation });
                Order::Pull {
                    queue,
                    inbox,
                    batch: 1,
                    expires,
                }
            }
            Decision::Plead => return self.plead(worker),
            Decision::CloseWaits { generation } => Order::Withdraw { generation },
            Decision::Start { ticket, .. } => {
                if let Some(task) = on.kept.remove(&ticket) {
                    self.start(worker, task);
                }
                return;
            }
            Decision::GiveUp { ticket, how, .. } => {
                if let Some(task) = on.kept.remove(&ticket) {
                    self.give_up(worker, task, end_of(how));
                }
                return;
            }
            Decision::HandBack { ticket, .. } => {
                if let Some(task) = on.kept.remove(&ticket) {
                    self.hand_back(worker, task);
                }
                return;
            }
        };
        self.up(worker, order);
    }

    /// What every event must leave true.
    pub(super) fn check(&mut self) {
        self.handled += 1;
        self.at_once = if self.now_us > self.checked_us {
            0
        } else {
            self.at_once + 1
        };
        self.checked_us = self.now_us;
        assert!(
            self.at_once < EVENTS_AT_ONCE_MAX,
            "no end in sight at {} µs",
            self.now_us
        );
        let ready_us = self.ready_since_us.iter().flatten().min().copied();
        for worker in &mut self.workers {
            // The state before this event lasted until now.
            if let (Some(idle), Some(ready)) = (worker.idle_since_us(), ready_us) {
                let both = self.now_us.saturating_sub(idle.max(ready));
                self.idle_beside_ready_us = self.idle_beside_ready_us.max(both);
            }
            worker.note_idle(self.now_us);
            assert!(worker.started <= worker.slots, "more started than slots");
        }
        for (since, consumer) in self.ready_since_us.iter_mut().zip(&self.consumers) {
            *since = consumer.is_ready().then(|| since.unwrap_or(self.now_us));
        }
    }
}

const fn end_of(how: Infeasible) -> End {
    match how {
        Infeasible::Drop => End::Dropped,
        Infeasible::Park => End::Parked,
        Infeasible::Serve => End::Done,
    }
}
