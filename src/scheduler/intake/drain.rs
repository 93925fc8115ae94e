//! The end of an intake: everything goes back.

use super::core::Intake;
use super::facts::{Decision, QueueId};
use crate::scheduler::facts::Ticket;

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

    fn leave(&mut self, queue: QueueId, ticket: Ticket) {
        self.queues[queue.0].held -= 1;
        self.decided.push_back(Decision::HandBack { queue, ticket });
    }
}
