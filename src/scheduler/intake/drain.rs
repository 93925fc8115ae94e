//! What goes back: a task that could not run, and everything at the end of an intake.

use super::core::Intake;
use super::facts::{Decision, QueueId};
use crate::scheduler::facts::{Flow, Ticket};

impl Intake {
    /// Nothing more is asked for; what is kept or still arrives is handed back.
    pub fn drain(&mut self) {
        self.draining = true;
        self.forget_hopes();
        for (queue, ticket, _) in std::mem::take(&mut self.parked) {
            self.refund(queue, 1);
            self.leave(queue, ticket);
        }
        for at in 0..self.queues.len() {
            for ticket in self.queues[at].window.clear() {
                self.leave(QueueId(at), ticket);
            }
        }
    }

    /// Asks again, after a [`Intake::drain`].
    pub fn go_on(&mut self) {
        self.draining = false;
    }

    /// A task of `flow` that was started gives its slot back without having run: what it was charged is given back, and
    /// nothing is learned of its cost.
    pub fn returned(&mut self, id: QueueId, flow: Option<Flow>) {
        self.running = self.running.saturating_sub(1);
        let queue = &mut self.queues[id.0];
        queue.held = queue.held.saturating_sub(1);
        let charged_ms = queue.ledger.settle(1);
        if let (Some(flow), 1..) = (flow, queue.window_max) {
            queue.window.charge(flow, -charged_ms);
        }
        self.picker.settle(id, flow, 1, [charged_ms, 0.0]);
    }

    fn leave(&mut self, queue: QueueId, ticket: Ticket) {
        self.queues[queue.0].held -= 1;
        self.decided.push_back(Decision::HandBack { queue, ticket });
    }
}
