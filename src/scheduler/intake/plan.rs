//! From free slots to pulls.

use std::time::Duration;

use super::core::Intake;
use super::facts::{Decision, PullId, QueueId};
use super::queue::{Knowledge, Waiting};
use crate::scheduler::credit::Standing;
use crate::scheduler::facts::{ClassId, Head};
use crate::scheduler::picker::Sight;
use crate::task::Moment;

/// How long the server holds a wait. Long enough to cost nothing when idle, short enough that a
/// pull the server forgot is noticed.
const WAIT_EXPIRES: Duration = Duration::from_secs(5);
/// A busy worker keeps one slot for the answers whenever it looks at its quiet queues; at most this
/// part of its slots' time is spent on looking of its own accord. Where it was told of a task it looks at once.
const CHECK_PART: u32 = 32;
/// However many its slots, it looks of its own accord no more often than every so many deadlines, nor sends more than
/// one such pull per deadline: what the server bears with hundreds of workers. Who tells bounds how often that is done.
const CHECK_DEADLINES_MIN: u32 = 2;
/// What a look finds starts at once, whoever's turn it is. A class that has had so many tasks beyond its turn is not
/// looked at while others wait: else one that is drained with every look would get more than its share for as long as
/// it is, and then nothing until it has paid.
const AHEAD_TASKS: f64 = 4.0;
/// An ask is sent when this part of the slots is free (or when one has been free for a round
/// trip): few large pulls are what makes JetStream fast.
const ASK_PART: u32 = 8;

impl Intake {
    pub(super) fn plan(&mut self, now: Moment) {
        self.plan_parked();
        let taken = self.running + self.parked.len() as u32;
        if self.waits_open && (self.draining || taken >= self.slots) {
            self.close_waits(now);
        }
        if self.draining {
            return self.plan_plea(now);
        }
        if self.free() > 0 {
            self.plan_waits(now);
            self.plan_starts(now);
        } else {
            self.plan_ahead(now);
        }
        self.plan_plea(now);
    }

    /// Tasks that were kept for want of a slot come first.
    fn plan_parked(&mut self) {
        while self.running < self.slots && !self.draining {
            let Some((queue, ticket, flow)) = self.parked.pop_front() else {
                return;
            };
            self.running += 1;
            self.begins(queue, flow);
            self.decided.push_back(Decision::Start { queue, ticket });
        }
    }

    /// Fills the windows of classes that look ahead while every slot is busy.
    fn plan_ahead(&mut self, now: Moment) {
        for at in 0..self.queues.len() {
            let (more, free) = (self.queues[at].room_ahead(), self.queues[at].free_ahead());
            // A window is filled by halves: a pull for each place would double the traffic. Where fewer tasks wait
            // than that, they are put in order all the same.
            if more > 0 && 2 * free >= self.queues[at].window_max {
                self.ask(QueueId(at), 0, more, now);
            }
        }
    }

    fn close_waits(&mut self, now: Moment) {
        self.waits_open = false;
        self.hold_until = None;
        for queue in self.queues.iter_mut().filter(|q| q.waiting.is_some()) {
            queue.waiting = None;
            // What was seen to come, and did not in time, is looked for with the next free slot.
            queue.checked_at = (!queue.is_woken(now)).then_some(now);
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
        let waiting = self.classes_that_wait();
        let sight = self.sight(now);
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
            let is_due = queue.needs_wait() && (idle || queue.is_stale(now, interval));
            if !is_due || self.is_shut(QueueId(at), now) {
                continue;
            }
            let class = queue.spec.class;
            let is_contested = waiting.iter().flatten().any(|other| *other != class);
            if !idle && is_contested && self.is_ahead(QueueId(at), sight) {
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

    /// Two classes of which tasks are known to wait, or one, or none: enough to tell whether another one than any does.
    fn classes_that_wait(&self) -> [Option<ClassId>; 2] {
        let mut classes = self
            .queues
            .iter()
            .filter(|q| !q.is_silent())
            .map(|q| q.spec.class);
        let first = classes.next();
        [first, classes.find(|class| Some(*class) != first)]
    }

    /// Whether the class of a queue has had too much to be looked at for more.
    fn is_ahead(&self, id: QueueId, sight: Sight) -> bool {
        self.picker.ahead_ms(id, sight) > self.ahead_max_ms(id)
    }

    pub(super) fn ahead_max_ms(&self, id: QueueId) -> f64 {
        AHEAD_TASKS * self.estimate_ms(id)
    }

    /// Somebody saw tasks come to a queue: it is looked at as soon as a slot is free.
    pub fn woken(&mut self, id: QueueId, now: Moment) {
        let queue = &mut self.queues[id.0];
        (queue.checked_at, queue.woken_at) = (None, Some(now));
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

    fn plan_starts(&mut self, now: Moment) {
        let free = self.free().saturating_sub(u32::from(self.hold_until.is_some()));
        let enough = self.slots.div_ceil(ASK_PART);
        let alone = self.hurried || self.idle_for_a_round_trip(now);
        self.count_promises();
        let is_held = (0..self.queues.len()).any(|at| self.may_start_kept(QueueId(at), now));
        if free == 0 || (free < enough && !alone && !is_held) {
            return;
        }
        self.hurried = false;
        let mut room: Vec<u32> = self.queues.iter().map(super::queue::Queue::room).collect();
        let mut batch = vec![0_u32; room.len()];
        (0..room.len()).for_each(|at| self.stand(QueueId(at), room[at], batch[at], now));
        self.bound_credit(now);
        let sight = self.sight(now);
        for _ in 0..free {
            if let Some(reasons) = &mut self.reasons {
                reasons.note(&self.picker, sight, now);
            }
            let Some(queue) = self.picker.pick(sight, now) else {
                break;
            };
            self.charge(queue);
            self.blind += u64::from(self.picker.is_blind(sight));
            if !self.has_tokens(queue, now) {
                self.hope(queue, now);
            } else if self.queues[queue.0].window.is_empty() {
                room[queue.0] -= 1;
                batch[queue.0] += 1;
                self.queues[queue.0].outlook.advanced();
                self.promise(queue);
            } else if let Some(ticket) = self.start_kept(queue, now) {
                self.decided.push_back(Decision::Start { queue, ticket });
            } else {
                self.refund(queue, 1);
            }
            self.stand(queue, room[queue.0], batch[queue.0], now);
            for other in self.sharing(queue) {
                self.stand(other, room[other.0], batch[other.0], now);
            }
        }
        for (at, batch) in batch.into_iter().enumerate() {
            let ahead = self.queues[at].room_ahead().min(room[at]);
            if batch > 0 || 2 * ahead > self.queues[at].window_max {
                self.ask(QueueId(at), batch, ahead, now);
            }
        }
    }

    /// Says what a queue may do, with so much room left of which `taken` was there.
    fn stand(&mut self, id: QueueId, room: u32, taken: u32, now: Moment) {
        let queue = &self.queues[id.0];
        let standing = if room > 0 || !queue.window.is_empty() {
            match self.may_start(id, now) {
                true => Standing::Ready,
                false => Standing::Delayed,
            }
        } else if taken == 0 && queue.is_delayed() {
            Standing::Delayed
        } else {
            Standing::Absent
        };
        if standing == Standing::Delayed {
            self.delayed(id);
        }
        let queue = &self.queues[id.0];
        let head: Option<Head> = match self.picker.looks_at_heads() {
            true => {
                let terms = self.picker.terms(queue.spec.class);
                queue.window.peek(terms).or_else(|| queue.outlook.head(now))
            }
            false => None,
        };
        self.picker.stand(id, standing, head, now);
    }

    /// Asks for tasks that slots are kept for, and for more that the window is to hold.
    fn ask(&mut self, queue: QueueId, batch: u32, ahead: u32, now: Moment) {
        self.last_pull += 1;
        let pull = PullId(self.last_pull);
        let expires = self.round_trip.ask_expires();
        let deadline = now + expires + self.round_trip.deadline();
        let batch = batch + ahead;
        self.queues[queue.0].ahead += ahead;
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
