//! What becomes of a task that arrives.

use super::asks::Filled;
use super::core::Intake;
use super::facts::{Admission, PullOutcome, QueueId, QueueSpec, Source};
use super::queue::Knowledge;
use crate::task::Moment;

/// A task that has been delivered this often is parked rather than handed back once more.
const PARK_AFTER_DELIVERIES: u64 = 2;

impl Intake {
    /// A task arrived. `backlog` is what the queue still held, `deliveries` how often the task has
    /// been delivered, this time included.
    pub fn delivered(
        &mut self,
        id: QueueId,
        source: Source,
        backlog: u64,
        deliveries: u64,
        now: Moment,
    ) -> Admission {
        let grace = self.round_trip.deadline();
        let queue = &mut self.queues[id.0];
        queue.learned(backlog, now);
        let filled = match source {
            Source::Ask => {
                queue.rested();
                match queue.asks.late_fill(now) {
                    Some(took) => {
                        self.round_trip.at_least(took);
                        queue.asks.fill(now, grace).map(|f| Filled { took: None, ..f })
                    }
                    None => queue.asks.fill(now, grace),
                }
            }
            Source::Wait => {
                queue.waiting = None;
                queue.resting_until = None;
                self.hold_until = None;
                None
            }
        };
        if let Some(filled) = &filled {
            if filled.complete {
                queue.ask_cap = queue.ask_cap.saturating_mul(2);
                self.ended.push(PullOutcome::Filled);
            }
            if let Some(took) = filled.took {
                self.round_trip.sample(took);
            }
        }
        let charged = filled.is_some();
        self.admit(id, charged, deliveries)
    }

    fn admit(&mut self, id: QueueId, charged: bool, deliveries: u64) -> Admission {
        let QueueSpec {
            class, estimate_ms, ..
        } = self.queues[id.0].spec;
        let admission = if self.draining {
            Admission::HandBack
        } else if self.running < self.slots {
            Admission::Start
        } else if deliveries >= PARK_AFTER_DELIVERIES && self.parked < self.slots {
            Admission::Park
        } else {
            Admission::HandBack
        };
        match admission {
            Admission::Start => self.running += 1,
            Admission::Park => self.parked += 1,
            Admission::HandBack => {
                if charged {
                    self.shares.charge(class, -estimate_ms);
                }
                // It is there again, so the queue holds at least this one.
                let queue = &mut self.queues[id.0];
                if queue.knowledge == Knowledge::Quiet {
                    queue.knowledge = Knowledge::Backlog(1);
                }
                return admission;
            }
        }
        self.queues[id.0].held += 1;
        if !charged {
            self.shares.charge(class, estimate_ms);
        }
        admission
    }

    /// Whether a parked task may start now; it takes the slot if so.
    pub fn start_parked(&mut self) -> bool {
        let can = self.parked > 0 && self.running < self.slots && !self.draining;
        if can {
            self.parked -= 1;
            self.running += 1;
        }
        can
    }
}
