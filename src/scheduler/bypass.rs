//! A hard bound on how often a head is passed over.
//!
//! Each pick passes over every other head. Counting that for all of them would cost a step per head, so a head notes
//! the number of the pick it came at: once `most` more have been made, it was passed over at most that often, and is
//! due. Of those that are due the oldest goes first, so what goes before it from then on came before it.

use std::collections::VecDeque;

use super::facts::{Head, QueueId};
use super::fifo;
use super::tournament::Tournament;
use crate::task::Moment;

/// Heads, in the order in which they are due.
#[derive(Debug, Clone)]
pub(super) struct Bypass {
    most: u64,
    picks: u64,
    /// The pick each head came at, and which head of its queue it was.
    came: VecDeque<(u64, QueueId, u64)>,
    /// Which head of each queue it is now, and whether there is one.
    heads: Vec<(u64, Option<Head>)>,
    due: Tournament,
}

impl Bypass {
    pub(super) fn new(most: u32) -> Self {
        Self {
            most: u64::from(most.max(1)),
            picks: 0,
            came: VecDeque::new(),
            heads: Vec::new(),
            due: Tournament::default(),
        }
    }

    pub(super) fn add(&mut self) {
        self.heads.push((0, None));
    }

    /// What is known of a queue's head; none where the queue cannot be served.
    pub(super) fn head(&mut self, queue: QueueId, head: Option<Head>, now: Moment) {
        let (number, known) = &mut self.heads[queue.0];
        let was = std::mem::replace(known, head);
        match (was, head) {
            (None, Some(_)) => self.came.push_back((self.picks, queue, *number)),
            (Some(_), None) => {
                *number += 1;
                self.due.set(queue.0, None, now);
            }
            // What is known of it has changed, not the head.
            (Some(_), Some(_)) | (None, None) => (),
        }
    }

    /// The head that was passed over as often as may be, if any.
    pub(super) fn due(&mut self, now: Moment) -> Option<QueueId> {
        while let Some((came, queue, number)) = self.came.front().copied() {
            let (current, head) = self.heads[queue.0];
            if current == number && self.picks - came < self.most {
                break;
            }
            self.came.pop_front();
            if let Some(head) = head.filter(|_| current == number) {
                self.due.set(queue.0, Some(fifo::merit(&head)), now);
            }
        }
        self.due.best(now).map(QueueId)
    }

    /// One was picked.
    pub(super) fn picked(&mut self, queue: QueueId, now: Moment) {
        self.picks += 1;
        self.heads[queue.0].0 += 1;
        self.heads[queue.0].1 = None;
        self.due.set(queue.0, None, now);
    }
}
