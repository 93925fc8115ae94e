//! What a worker's shell does with events, as the real one will.

use super::super::facts::{Admission, Decision, QueueId, Source};
use super::consumer::{Inbox, Reply};
use super::event::{Event, Order};
use super::world::World;
use crate::task::Moment;

/// More events than any test needs: a world that spins ends here.
const EVENTS_MAX: u64 = 3_000_000;

impl World {
    fn moment(&self) -> Moment {
        Moment(std::time::Duration::from_micros(self.now_us))
    }

    pub(super) fn heard(&mut self, worker: usize, queue: usize, reply: Reply) {
        let now = self.moment();
        let id = QueueId(queue);
        match reply {
            Reply::Ended {
                inbox: Inbox::Ask(pull),
                end,
            } => {
                self.workers[worker].intake.ask_ended(id, pull, end, now);
            }
            Reply::Ended {
                inbox: Inbox::Wait { generation },
                ..
            } => {
                self.workers[worker].intake.wait_ended(id, generation, false, now);
            }
            Reply::Task { task, inbox, backlog } => {
                let source = match inbox {
                    Inbox::Ask(_) => Source::Ask,
                    Inbox::Wait { .. } => Source::Wait,
                };
                self.tasks[task].deliveries += 1;
                let deliveries = self.tasks[task].deliveries;
                let on = &mut self.workers[worker];
                on.coming -= 1;
                match on.intake.delivered(id, source, backlog, deliveries, now) {
                    Admission::Start => self.start(worker, task),
                    Admission::Park => on.parked.push_back(task),
                    Admission::HandBack => self.hand_back(worker, task),
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
        assert!(self.tasks[task].started_us.is_none(), "task {task} starts twice");
        self.tasks[task].started_us = Some(self.now_us);
        self.workers[worker].started += 1;
        self.at(
            self.now_us + self.tasks[task].cost_us,
            Event::Done { worker, task },
        );
    }

    pub(super) fn finish(&mut self, worker: usize, task: usize) {
        let (queue, cost_us) = (self.tasks[task].queue, self.tasks[task].cost_us);
        self.tasks[task].finished_us = Some(self.now_us);
        self.finished += 1;
        self.workers[worker].started -= 1;
        let cost_ms = cost_us as f64 / 1000.0;
        self.workers[worker].intake.finished(QueueId(queue), cost_ms);
        self.up(worker, Order::Ack { task });
    }

    /// Takes what the intake decides and sets the timer it asks for.
    pub(super) fn settle(&mut self, worker: usize) {
        let now = self.moment();
        while self.workers[worker].intake.start_parked() {
            let task = self.workers[worker].parked.pop_front().unwrap();
            self.start(worker, task);
        }
        while let Some(decision) = self.workers[worker].intake.poll(now) {
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
            !on.draining || matches!(decision, Decision::CloseWaits { .. }),
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
            Decision::CloseWaits { generation } => Order::Withdraw { generation },
        };
        self.up(worker, order);
    }

    /// What every event must leave true.
    pub(super) fn check(&mut self) {
        self.handled += 1;
        assert!(self.handled < EVENTS_MAX, "no end in sight at {} µs", self.now_us);
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
