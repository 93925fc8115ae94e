//! The places asked of one queue that have not been filled yet.

use std::collections::VecDeque;
use std::time::Duration;

use super::facts::{AskEnd, PullId, PullOutcome};
use crate::task::Moment;

#[derive(Debug, Clone)]
struct Pull {
    id: PullId,
    expires: Duration,
    asked: u32,
    left: u32,
    sent: Moment,
    deadline: Moment,
}

/// Pulls of one queue in the order they were sent.
///
/// The server turns from pull to pull with every message and a message does not say which one it
/// answers, so fills are booked on the oldest. The sum is exact, and a pull's own status puts
/// right what was booked on the wrong one.
#[derive(Debug, Clone, Default)]
pub(super) struct Asks {
    pulls: Vec<Pull>,
    /// Given up, and perhaps answered yet: only their answers tell that the round trip has grown.
    late: VecDeque<Pull>,
}

/// Pulls given up whose answers are still looked for.
const LATE_MAX: usize = 8;

/// What a fill told.
pub(super) struct Filled {
    /// Time since the pull was sent, with its first task. It includes what the pull waited at the
    /// server, if the queue was at its limit. A message booked on the wrong one of several pulls
    /// leaves the mean right, and workers with many slots seldom have but one.
    pub(super) took: Option<Duration>,
    /// Whether a pull is complete with it.
    pub(super) complete: bool,
}

/// What the end of a pull, or of all overdue ones, gives back.
pub(super) struct Released {
    /// Places that were filled before.
    pub(super) filled: u32,
    /// When the last of them was asked for.
    pub(super) sent: Moment,
    pub(super) outcome: PullOutcome,
}

impl Asks {
    /// Slots held for tasks that are still to come.
    pub(super) fn reserved(&self) -> u32 {
        self.pulls.iter().map(|p| p.left).sum()
    }

    /// Pulls the server may still answer.
    pub(super) fn outstanding(&self) -> usize {
        self.pulls.iter().filter(|p| p.left > 0).count()
    }

    pub(super) fn sent(&mut self, id: PullId, batch: u32, now: Moment, expires: Duration, deadline: Moment) {
        self.pulls.push(Pull {
            id,
            expires,
            asked: batch,
            left: batch,
            sent: now,
            deadline,
        });
    }

    /// What an answer that comes now says of the round trip if a pull was given up too early: at
    /// least the time since then, less what the server may have held it.
    pub(super) fn late_fill(&mut self, now: Moment) -> Option<Duration> {
        let pull = self.late.pop_front()?;
        Some(now.since(pull.sent).saturating_sub(pull.expires))
    }

    /// The round trip as the end of the pull `id` tells it: exactly, for the server says whether it
    /// answered at once or at the expiry.
    pub(super) fn round_trip_of(&mut self, id: PullId, end: AskEnd, now: Moment) -> Option<Duration> {
        let known = self.pulls.iter().find(|p| p.id == id);
        let known = known.or_else(|| self.late.iter().find(|p| p.id == id));
        let took = known.and_then(|pull| match end {
            AskEnd::Empty => Some(now.since(pull.sent)),
            AskEnd::Expired { .. } => Some(now.since(pull.sent).saturating_sub(pull.expires)),
            AskEnd::Refused => None,
        });
        self.late.retain(|p| p.id != id);
        took
    }

    /// Books one task, or says that no place was left for it.
    pub(super) fn fill(&mut self, now: Moment, grace: Duration) -> Option<Filled> {
        let oldest = self.pulls.iter_mut().find(|p| p.left > 0)?;
        let first = oldest.left == oldest.asked;
        oldest.left -= 1;
        let complete = oldest.left == 0;
        let took = first.then(|| now.since(oldest.sent));
        if self.reserved() == 0 {
            self.pulls.clear();
        }
        // What comes shows that the queue is alive: the deadline counts from the last task.
        for pull in &mut self.pulls {
            pull.deadline = pull.deadline.max(now + grace);
        }
        Some(Filled { took, complete })
    }

    /// Ends the pull `id`. None when it is not known any more: filled, or overdue and released.
    pub(super) fn end(&mut self, id: PullId, end: AskEnd) -> Option<Released> {
        let at = self.pulls.iter().position(|p| p.id == id)?;
        let pull = self.pulls.remove(at);
        let places = match end {
            AskEnd::Expired { unfilled } => self.settle(pull.left, unfilled),
            AskEnd::Empty | AskEnd::Refused => pull.left,
        };
        let outcome = match end {
            AskEnd::Refused => PullOutcome::Refused,
            _ if places < pull.asked => PullOutcome::Partial,
            AskEnd::Empty => PullOutcome::Empty,
            AskEnd::Expired { .. } => PullOutcome::Limited,
        };
        let filled = pull.asked.saturating_sub(places);
        Some(Released {
            filled,
            sent: pull.sent,
            outcome,
        })
    }

    /// The server says that `unfilled` places of a pull stay empty, we had booked `left`: what was
    /// booked wrongly moves between the other pulls.
    fn settle(&mut self, left: u32, unfilled: u32) -> u32 {
        if left >= unfilled {
            let mut surplus = left - unfilled;
            for other in &mut self.pulls {
                // No more than was booked on it can have been booked wrongly.
                let given = other.asked.saturating_sub(other.left).min(surplus);
                other.left += given;
                surplus -= given;
            }
            return unfilled;
        }
        let mut missing = unfilled - left;
        let mut released = left;
        for other in &mut self.pulls {
            let taken = other.left.min(missing);
            other.left -= taken;
            missing -= taken;
            released += taken;
        }
        released
    }

    /// Gives up the pulls whose deadline has passed.
    pub(super) fn overdue(&mut self, now: Moment) -> Option<Released> {
        let (mut places, mut filled, mut sent) = (0, 0, Moment::default());
        for pull in self.pulls.extract_if(.., |p| p.deadline <= now) {
            // One that is filled gets no answer any more.
            if pull.left == 0 {
                continue;
            }
            places += pull.left;
            filled += pull.asked.saturating_sub(pull.left);
            sent = sent.max(pull.sent);
            if self.late.len() == LATE_MAX {
                self.late.pop_front();
            }
            self.late.push_back(pull);
        }
        (places > 0).then_some(Released {
            filled,
            sent,
            outcome: PullOutcome::Overdue,
        })
    }

    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.pulls.iter().filter(|p| p.left > 0).map(|p| p.deadline).min()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXPIRES: Duration = Duration::from_millis(2);
    const GRACE: Duration = Duration::from_millis(8);

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Send(u32),
        Fill,
        /// The server ends the pull of that place with so many places unfilled, or with none.
        End(usize, Option<u32>),
        Wait(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (1_u32..6).prop_map(Step::Send),
            Just(Step::Fill),
            (0_usize..4, prop::option::of(0_u32..8)).prop_map(|(at, unfilled)| Step::End(at, unfilled)),
            (0_u64..12).prop_map(Step::Wait),
        ];
        prop::collection::vec(step, 1..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the server says, and in whichever order it comes.
        #[test]
        fn no_pull_has_more_places_left_than_it_asked_for(steps in steps()) {
            let (mut asks, mut now, mut last) = (Asks::default(), Moment::default(), 0);
            for step in steps {
                match step {
                    Step::Send(batch) => {
                        last += 1;
                        asks.sent(PullId(last), batch, now, EXPIRES, now + GRACE);
                    }
                    Step::Fill => _ = asks.fill(now, GRACE),
                    Step::End(at, unfilled) => {
                        let end = unfilled.map_or(AskEnd::Empty, |unfilled| AskEnd::Expired { unfilled });
                        if let Some(id) = asks.pulls.get(at).map(|pull| pull.id) {
                            asks.end(id, end);
                        }
                    }
                    Step::Wait(ms) => {
                        now = now + Duration::from_millis(ms);
                        asks.overdue(now);
                    }
                }
                for pull in &asks.pulls {
                    prop_assert!(pull.left <= pull.asked, "{pull:?}");
                }
            }
        }
    }

    #[test]
    fn what_was_booked_on_the_wrong_pull_moves_back_to_those_it_can_have_been_booked_on() {
        let (mut asks, now) = (Asks::default(), Moment::default());
        for (id, batch) in [(1, 2), (2, 3), (3, 4)] {
            asks.sent(PullId(id), batch, now, EXPIRES, now + GRACE);
        }
        // Booked: both of the first, two of the second. The last one had them all.
        (0..4).for_each(|_| _ = asks.fill(now, GRACE));
        asks.end(PullId(3), AskEnd::Expired { unfilled: 0 });
        let left: Vec<u32> = asks.pulls.iter().map(|pull| pull.left).collect();
        assert_eq!(left, [2, 3]);
    }
}
