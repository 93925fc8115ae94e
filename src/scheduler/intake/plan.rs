//! From free slots to pulls.

use std::time::Duration;

use super::core::Intake;
use super::facts::{Decision, PullId, QueueId};
use super::queue::{Knowledge, Waiting};
use crate::scheduler::weighted::{ClassId, Standing};
use crate::task::Moment;

/// How long the server holds a wait. Long enough to cost nothing when idle, short enough that a
/// pull the server forgot is noticed.
const WAIT_EXPIRES: Duration = Duration::from_secs(5);
/// A busy worker keeps one slot for the answers whenever it looks at its quiet queues; at most this
/// part of its slots' time is spent on looking.
const CHECK_PART: u32 = 32;
/// However many its slots, it looks no more often than every so many deadlines, nor sends more than
/// one such pull per deadline: what the server bears with hundreds of workers.
const CHECK_DEADLINES_MIN: u32 = 2;
/// An ask is sent when this part of the slots is free (or when one has been free for a round
/// trip): few large pulls are what makes JetStream fast.
const ASK_PART: u32 = 8;

impl Intake {
    pub(super) fn plan(&mut self, now: Moment) {
        if self.waits_open && (self.draining || self.running + self.parked >= self.slots) {
            self.close_waits(now);
        }
        if self.draining || self.free() == 0 {
            return;
        }
        self.plan_waits(now);
        self.plan_asks(now);
    }

    fn close_waits(&mut self, now: Moment) {
        self.waits_open = false;
        self.hold_until = None;
        for queue in self.queues.iter_mut().filter(|q| q.waiting.is_some()) {
            queue.waiting = None;
            queue.checked_at = Some(now);
        }
        self.decided.push_back(Decision::CloseWaits {
            generation: self.generation,
        });
    }

    fn idle_for_a_round_trip(&self, now: Moment) -> bool {
        self.free_since
            .is_some_and(|since| now.since(since) >= self.round_trip.smoothed())
    }

    fn plan_waits(&mut self, now: Moment) {
        let idle = self.idle_for_a_round_trip(now);
        let interval = self.check_interval();
        let unsure = |q: &super::queue::Queue| q.knowledge == Knowledge::Unknown;
        // Of queues that may well answer, no more are asked than there are slots to answer into.
        let mut may_answer = self
            .queues
            .iter()
            .filter(|q| q.waiting.is_some() && unsure(q))
            .count() as u32;
        let mut opened = false;
        let count = self.queues.len();
        for step in 0..count {
            let at = (self.last_pull as usize + step) % count;
            let queue = &self.queues[at];
            if !queue.needs_wait() || !(idle || queue.is_stale(now, interval)) {
                continue;
            }
            if unsure(queue) {
                if may_answer >= self.free() {
                    continue;
                }
                may_answer += 1;
            }
            self.open_wait(QueueId(at), now);
            opened = true;
        }
        if opened && !idle {
            self.hold_until = Some(now + self.round_trip.hold());
        }
    }

    fn check_interval(&self) -> Duration {
        let quiet = self.queues.iter().filter(|q| q.is_silent()).count() as u32;
        let least = self.round_trip.deadline() * quiet.max(CHECK_DEADLINES_MIN);
        (self.round_trip.hold() * CHECK_PART / self.slots).max(least)
    }

    fn open_wait(&mut self, queue: QueueId, now: Moment) {
        if !self.waits_open {
            self.waits_open = true;
            self.generation += 1;
        }
        let waiting = Waiting {
            since: now,
            until: now + WAIT_EXPIRES,
        };
        self.queues[queue.0].waiting = Some(waiting);
        self.queues[queue.0].checked_at = Some(now);
        let generation = self.generation;
        self.decided.push_back(Decision::Wait {
            queue,
            generation,
            expires: WAIT_EXPIRES,
        });
    }

    fn plan_asks(&mut self, now: Moment) {
        let free = self.free().saturating_sub(u32::from(self.hold_until.is_some()));
        let enough = self.slots.div_ceil(ASK_PART);
        let alone = self.hurried || self.idle_for_a_round_trip(now);
        if free == 0 || (free < enough && !alone) {
            return;
        }
        self.hurried = false;
        let mut room: Vec<u32> = self.queues.iter().map(super::queue::Queue::room).collect();
        let mut batch = vec![0_u32; room.len()];
        for _ in 0..free {
            let (members, queues) = (&self.members, &self.queues);
            let standing = |class: ClassId| {
                let members = &members[class.0];
                if members.iter().any(|q| room[q.0] > 0) {
                    Standing::Ready
                } else if members.iter().any(|q| queues[q.0].is_delayed()) {
                    Standing::Delayed
                } else {
                    Standing::Absent
                }
            };
            let Some(class) = self.shares.choose(standing) else {
                break;
            };
            let Some(queue) = self.next_member(class, &room) else {
                break;
            };
            room[queue.0] -= 1;
            batch[queue.0] += 1;
            self.shares.charge(class, self.queues[queue.0].spec.estimate_ms);
        }
        for (at, batch) in batch.into_iter().enumerate().filter(|(_, batch)| *batch > 0) {
            self.ask(QueueId(at), batch, now);
        }
    }

    /// The member whose turn it is within its class; members take turns.
    fn next_member(&mut self, class: ClassId, room: &[u32]) -> Option<QueueId> {
        let members = &mut self.members[class.0];
        let at = members.iter().position(|q| room[q.0] > 0)?;
        members.rotate_left(at);
        let queue = members.pop_front()?;
        members.push_back(queue);
        Some(queue)
    }

    fn ask(&mut self, queue: QueueId, batch: u32, now: Moment) {
        self.last_pull += 1;
        let pull = PullId(self.last_pull);
        let expires = self.round_trip.ask_expires();
        let deadline = now + expires + self.round_trip.deadline();
        self.queues[queue.0]
            .asks
            .sent(pull, batch, now, expires, deadline);
        self.decided.push_back(Decision::Ask {
            queue,
            pull,
            batch,
            expires,
        });
    }
}
