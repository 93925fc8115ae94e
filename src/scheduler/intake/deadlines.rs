//! What happens when nothing is heard.

use super::core::Intake;
use super::facts::{PullOutcome, QueueId};
use super::queue::Knowledge;
use crate::task::Moment;

impl Intake {
    /// When [`Intake::poll`] may have something to say without a further event.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Moment> {
        let grace = self.round_trip.deadline();
        let queues = self.queues.iter().flat_map(|q| {
            let unsure = q
                .waiting
                .filter(|_| q.knowledge == Knowledge::Unknown)
                .map(|w| w.since + grace);
            [
                q.asks.next_deadline(),
                q.unavailable_until,
                q.resting_until,
                q.waiting.map(|w| w.until + grace),
                unsure,
            ]
        });
        let idle = self
            .free_since
            .filter(|_| !self.draining)
            .map(|since| since + self.round_trip.smoothed())
            .filter(|at| *at > self.planned_at);
        let wants = self.queues.iter().any(|q| q.needs_wait() || q.room() > 0);
        queues
            .chain([self.hold_until, idle.filter(|_| wants), self.tokens_deadline()])
            .flatten()
            .min()
    }

    /// How the asks ended since the last call that ended without a status, for metrics: filled to the
    /// last place, or past their deadline.
    pub fn take_ended(&mut self) -> Vec<PullOutcome> {
        std::mem::take(&mut self.ended)
    }

    /// Picks since the last call that were made by shares because heads were to be compared and had not been seen
    /// for too long.
    pub fn take_blind(&mut self) -> u64 {
        std::mem::take(&mut self.blind)
    }

    pub(super) fn expire(&mut self, now: Moment) {
        self.expire_tokens(now);
        let grace = self.round_trip.deadline();
        for at in 0..self.queues.len() {
            let reserved = self.queues[at].reserved();
            if let Some(released) = self.queues[at].asks.overdue(now) {
                self.unreserve(QueueId(at), reserved);
                self.missed(QueueId(at), &released, now);
                self.ended.push(released.outcome);
            }
            let queue = &mut self.queues[at];
            if let Some(waiting) = queue.waiting {
                if now.since(waiting.since) >= grace && queue.knowledge == Knowledge::Unknown {
                    queue.knowledge = Knowledge::Quiet;
                }
                if waiting.until + grace <= now {
                    queue.waiting = None;
                }
            }
            if queue.unavailable_until.is_some_and(|until| until <= now) {
                queue.unavailable_until = None;
            }
            if queue.resting_until.is_some_and(|until| until <= now) {
                queue.resting_until = None;
            }
        }
        if self.hold_until.is_some_and(|until| until <= now) {
            self.hold_until = None;
        }
    }
}
