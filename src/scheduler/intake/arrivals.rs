//! What becomes of a task that arrives.

use super::asks::Filled;
use super::core::Intake;
use super::facts::{Admission, Arrival, Decision, PullOutcome, QueueId, Source};
use super::queue::Knowledge;
use crate::scheduler::edf;
use crate::scheduler::facts::{Flow, Head, Ticket};
use crate::scheduler::rules::{Between, Infeasible};
use crate::task::Moment;

/// A task that has been delivered this often is kept rather than handed back once more.
const KEEP_AFTER_DELIVERIES: u64 = 2;

impl Intake {
    /// A task arrived.
    pub fn delivered(&mut self, id: QueueId, source: Source, arrival: &Arrival, now: Moment) -> Admission {
        let grace = self.round_trip.deadline();
        let queue = &mut self.queues[id.0];
        let reserved = queue.reserved();
        queue.learned(arrival.backlog, now);
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
        queue.outlook.delivered(&arrival.task, queue.asks.reserved());
        if let Some(filled) = &filled {
            if filled.complete {
                queue.ask_cap = queue.ask_cap.saturating_mul(2);
                self.ended.push(PullOutcome::Filled);
            }
            if let Some(took) = filled.took {
                self.round_trip.sample(took);
            }
        }
        // The first to come take the slots; those behind fill the window.
        let for_slot = match filled {
            Some(_) if reserved > 0 => true,
            Some(_) => {
                queue.ahead = queue.ahead.saturating_sub(1);
                false
            }
            None => false,
        };
        self.admit(id, for_slot, arrival, now)
    }

    /// `for_slot`: a slot was reserved for it, and its queue charged.
    fn admit(&mut self, id: QueueId, for_slot: bool, arrival: &Arrival, now: Moment) -> Admission {
        let queue = &self.queues[id.0];
        let looks_ahead = queue.window_max > queue.window.len() as u32;
        let has_slot = self.running < self.slots;
        if self.draining {
            return self.refuse(id, for_slot);
        }
        if let Some(how) = self.infeasible(id, &arrival.task, now) {
            self.refund(id, u32::from(for_slot));
            return Admission::GiveUp(how);
        }
        if !queue.meters.is_empty() {
            return self.admit_metered(id, for_slot, arrival, now);
        }
        if looks_ahead && !(for_slot && has_slot) {
            self.refund(id, u32::from(for_slot));
            return Admission::Keep(self.keep(id, arrival));
        }
        if looks_ahead {
            // The best of those that are here takes the slot.
            let ticket = self.keep(id, arrival);
            return self.start_best(id, ticket, now);
        }
        if !has_slot && (arrival.deliveries < KEEP_AFTER_DELIVERIES || self.parked.len() as u32 >= self.slots)
        {
            return self.refuse(id, for_slot);
        }
        self.queues[id.0].held += 1;
        if !for_slot {
            self.picker.unpicked(id, self.ahead_max_ms(id));
            self.charge(id);
        }
        if has_slot {
            self.running += 1;
            self.begins(id, arrival.task.flow);
            return Admission::Start;
        }
        let ticket = self.ticket();
        self.parked.push_back((id, ticket, arrival.task.flow));
        Admission::Keep(ticket)
    }

    /// A task whose rate is limited starts with a token alone. Without one it is kept, takes no slot, and starts when
    /// one has come and a decision says so: handed back it would be delivered again and again.
    fn admit_metered(&mut self, id: QueueId, for_slot: bool, arrival: &Arrival, now: Moment) -> Admission {
        let has_slot = self.running < self.slots;
        let kept = self.queues[id.0].window.len() as u32;
        let may_tour = arrival.deliveries < KEEP_AFTER_DELIVERIES || kept >= self.slots;
        if !has_slot && may_tour && kept >= self.queues[id.0].window_max {
            return self.refuse(id, for_slot);
        }
        let ticket = self.keep(id, arrival);
        if for_slot && has_slot && self.is_payable(id, now) {
            return self.start_best(id, ticket, now);
        }
        self.refund(id, u32::from(for_slot));
        Admission::Keep(ticket)
    }

    /// Starts the best of a queue's window, which `ticket` has just come to, in the slot that was reserved for it.
    fn start_best(&mut self, id: QueueId, ticket: Ticket, now: Moment) -> Admission {
        match self.start_kept(id, now) {
            Some(best) if best == ticket => return Admission::Start,
            Some(best) => self.decided.push_back(Decision::Start {
                queue: id,
                ticket: best,
            }),
            None => self.refund(id, 1),
        }
        Admission::Keep(ticket)
    }

    fn refuse(&mut self, id: QueueId, for_slot: bool) -> Admission {
        self.refund(id, u32::from(for_slot));
        // It is there again, so the queue holds at least this one.
        let queue = &mut self.queues[id.0];
        if queue.knowledge == Knowledge::Quiet {
            queue.knowledge = Knowledge::Backlog(1);
        }
        Admission::HandBack
    }

    /// Puts a task into its queue's window.
    fn keep(&mut self, id: QueueId, arrival: &Arrival) -> Ticket {
        let (ticket, estimate_ms) = (self.ticket(), self.estimate_ms(id));
        let queue = &mut self.queues[id.0];
        queue.held += 1;
        let cost_ms = arrival.task.cost_ms.unwrap_or(estimate_ms);
        queue.window.add(ticket, arrival.task, cost_ms);
        ticket
    }

    /// Takes the best of a queue's window for a slot that is charged already. Those that cannot meet their deadline
    /// any more are given up on the way.
    pub(super) fn start_kept(&mut self, id: QueueId, now: Moment) -> Option<Ticket> {
        let class = self.queues[id.0].spec.class;
        while let Some(kept) = self.queues[id.0].window.take(self.picker.terms(class)) {
            if let Some(how) = self.infeasible(id, &kept.head, now) {
                self.queues[id.0].held -= 1;
                self.decided.push_back(Decision::GiveUp {
                    queue: id,
                    ticket: kept.ticket,
                    how,
                });
                continue;
            }
            self.spend(id, now);
            self.running += 1;
            self.begins(id, kept.head.flow);
            return Some(kept.ticket);
        }
        None
    }

    /// Books a task that starts with the flow it is of; its queue was charged before.
    pub(super) fn begins(&mut self, id: QueueId, flow: Option<Flow>) {
        let estimate_ms = self.estimate_ms(id);
        self.picker.started(flow, estimate_ms);
        let queue = &mut self.queues[id.0];
        if let (Some(flow), 1..) = (flow, queue.window_max) {
            queue.window.charge(flow, estimate_ms);
        }
    }

    /// What becomes of a task that cannot meet its deadline any more, where the rule says that it is not to be served.
    fn infeasible(&self, id: QueueId, task: &Head, now: Moment) -> Option<Infeasible> {
        let Between::Edf { infeasible } = self.picker.rules().between else {
            return None;
        };
        if infeasible == Infeasible::Serve {
            return None;
        }
        let cautious_ms = self.costs.cautious_ms(self.queues[id.0].spec.cost);
        (!edf::is_feasible(task, cautious_ms, now)).then_some(infeasible)
    }

    fn ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }
}
