//! What the server sends: tasks, and ends of pulls.

use super::facts;
use super::shell::Shell;
use crate::broker::delivery::Delivery;
use crate::broker::pulled::Pulled;
use crate::clock;
use crate::metrics::{self, HandBackReason, PullKind};
use crate::scheduler::facts::Head;
use crate::scheduler::intake::{Admission, Arrival, QueueId, Source};
use crate::task::Moment;

impl Shell {
    /// Takes what has arrived, in order.
    pub(super) async fn take_all(&mut self, pulled: &mut Vec<Pulled>) {
        for pulled in pulled.drain(..) {
            self.take(pulled).await;
        }
    }

    async fn take(&mut self, pulled: Pulled) {
        let now = clock::monotonic();
        let metrics = self.service.options.metrics.clone();
        match pulled {
            Pulled::Task {
                queue,
                source,
                delivery,
            } => {
                if source == Source::Wait {
                    metrics.pull(PullKind::Wait, metrics::PullOutcome::Filled);
                }
                self.admit(queue, source, delivery, now).await;
            }
            Pulled::AskEnded { queue, pull, end } => {
                if let Some(outcome) = self.intake.ask_ended(queue, pull, end, now) {
                    metrics.pull(PullKind::Ask, outcome.into());
                }
            }
            Pulled::WaitEnded {
                queue,
                generation,
                refused,
            } => {
                self.intake.wait_ended(queue, generation, refused, now);
                let outcome = if refused {
                    metrics::PullOutcome::Refused
                } else {
                    metrics::PullOutcome::Expired
                };
                metrics.pull(PullKind::Wait, outcome);
            }
        }
    }

    async fn admit(&mut self, queue: QueueId, source: Source, delivery: Box<Delivery>, now: Moment) {
        let task = if self.intake.reads_tasks(queue) {
            facts::head(self.flows, self.puller.route(queue), &delivery, now)
        } else {
            Head::arrived(now)
        };
        let arrival = Arrival {
            backlog: delivery.pending,
            deliveries: delivery.deliveries,
            task,
        };
        match self.intake.delivered(queue, source, &arrival, now) {
            Admission::Start => {
                let held = self.leases.hold(delivery.lease.heartbeat());
                self.start(queue, held, *delivery);
            }
            Admission::Keep(ticket) => {
                let held = self.leases.hold(delivery.lease.heartbeat());
                self.kept.insert(ticket, (held, delivery));
            }
            Admission::GiveUp(how) => self.give_up(queue, *delivery, how),
            Admission::HandBack => {
                let reason = if self.draining || self.cordoned {
                    HandBackReason::Drain
                } else {
                    HandBackReason::NoSlot
                };
                self.service.options.metrics.hand_back(reason);
                self.service.broker.hand_back(delivery.lease).await;
            }
        }
    }
}
