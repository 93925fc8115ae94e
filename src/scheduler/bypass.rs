//! A hard bound on how often a head is passed over.
//!
//! Each pick passes over every other head. Counting that for all of them would cost a step per head, so a head notes
//! the number of the pick it came at: once `most` more have been made, it was passed over at most that often, and is
//! due. While any head is due, the oldest of all is served, so that nothing that came later goes before it.

use std::collections::BTreeSet;

use super::facts::{Head, QueueId};
use super::fifo;
use super::tournament::Tournament;
use crate::task::Moment;

/// Heads, in the order in which they are due.
#[derive(Debug, Clone)]
pub(super) struct Bypass {
    most: u64,
    picks: u64,
    /// The pick each head came at, where it can be served.
    waiting: BTreeSet<(u64, QueueId)>,
    /// The same by queue, also of heads that cannot be served for a moment.
    came: Vec<Option<u64>>,
    /// All heads that can be served, the oldest first.
    oldest: Tournament,
}

impl Bypass {
    pub(super) fn new(most: u32) -> Self {
        Self {
            most: u64::from(most.max(1)),
            picks: 0,
            waiting: BTreeSet::new(),
            came: Vec::new(),
            oldest: Tournament::default(),
        }
    }

    pub(super) fn add(&mut self) {
        self.came.push(None);
    }

    /// What is known of a queue's head, which can be served.
    pub(super) fn head(&mut self, queue: QueueId, head: Head, now: Moment) {
        let came = *self.came[queue.0].get_or_insert(self.picks);
        self.waiting.insert((came, queue));
        self.oldest.set(queue.0, Some(fifo::merit(&head)), now);
    }

    /// A queue's head cannot be served for a moment.
    pub(super) fn pause(&mut self, queue: QueueId, now: Moment) {
        if let Some(came) = self.came[queue.0] {
            self.waiting.remove(&(came, queue));
        }
        self.oldest.set(queue.0, None, now);
    }

    /// A queue has no head, or another one.
    pub(super) fn gone(&mut self, queue: QueueId, now: Moment) {
        self.pause(queue, now);
        self.came[queue.0] = None;
    }

    /// The oldest head of all, if any was passed over as often as may be.
    pub(super) fn due(&mut self, now: Moment) -> Option<QueueId> {
        let (came, _) = self.waiting.first()?;
        let is_due = self.picks - came >= self.most;
        is_due.then(|| self.oldest.best(now)).flatten().map(QueueId)
    }

    /// One was picked: its queue has another head. Until more is heard it counts as the one before.
    pub(super) fn picked(&mut self, queue: QueueId) {
        self.picks += 1;
        if let Some(came) = self.came[queue.0].replace(self.picks) {
            self.waiting.remove(&(came, queue));
        }
        self.waiting.insert((self.picks, queue));
    }
}
