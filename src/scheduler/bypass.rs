//! A hard bound on how often a head is passed over.
//!
//! Each pick passes over every other head. Counting that for all of them would cost a step per head, so a head notes
//! the number of the pick it came at: once `most` more have been made, it was passed over at most that often, and is
//! due. While any head is due, the oldest of all is served, so that nothing that came later goes before it.

use std::collections::VecDeque;

use super::facts::{Head, QueueId};
use super::tournament::{Least, Nanos, Tournament, nanos};
use crate::task::Moment;

/// Entries that no longer hold are left where they are until there are this many more of them than queues.
const SPARE: usize = 64;

/// Heads, in the order in which they are due.
#[derive(Debug, Clone)]
pub(super) struct Bypass {
    most: u64,
    picks: u64,
    queues: Vec<Waiting>,
    /// The queues by the pick their heads came at. An entry whose queue has another head by now does not hold.
    line: VecDeque<(u64, QueueId)>,
    /// Heads that are due and can be served.
    due: u32,
    /// All heads that can be served, by age. Nobody asks before one is due, so it is renewed only then.
    oldest: Tournament<Least<Nanos>>,
    changed: Vec<QueueId>,
}

/// What is known of a queue's head.
#[derive(Debug, Clone, Copy, Default)]
struct Waiting {
    /// The pick it came at.
    came: Option<u64>,
    /// The pick of its last entry in the line, if it is still there.
    lined: Option<u64>,
    /// When it was enqueued, while it can be served.
    since: Option<Nanos>,
    is_due: bool,
    has_changed: bool,
}

impl Bypass {
    pub(super) fn new(most: u32) -> Self {
        Self {
            most: u64::from(most.max(1)),
            picks: 0,
            queues: Vec::new(),
            line: VecDeque::new(),
            due: 0,
            oldest: Tournament::default(),
            changed: Vec::new(),
        }
    }

    pub(super) fn add(&mut self) {
        self.queues.push(Waiting::default());
    }

    /// What is known of a queue's head, which can be served.
    pub(super) fn head(&mut self, queue: QueueId, head: Head) {
        if self.queues[queue.0].came.is_none() {
            self.comes(queue);
        }
        self.serve(queue, Some(nanos(head.since)));
    }

    /// A queue's head cannot be served for a moment.
    pub(super) fn pause(&mut self, queue: QueueId) {
        self.serve(queue, None);
    }

    /// A queue has no head, or another one.
    pub(super) fn gone(&mut self, queue: QueueId) {
        self.serve(queue, None);
        let waiting = &mut self.queues[queue.0];
        waiting.came = None;
        waiting.is_due = false;
    }

    /// The oldest head of all, if any was passed over as often as may be.
    pub(super) fn due(&mut self) -> Option<QueueId> {
        while let Some(&(came, queue)) = self.line.front() {
            let waiting = &mut self.queues[queue.0];
            let holds = waiting.came == Some(came);
            if holds && self.picks - came < self.most {
                break;
            }
            self.line.pop_front();
            waiting.lined = waiting.lined.filter(|lined| *lined != came);
            if holds {
                waiting.is_due = true;
                self.due += u32::from(waiting.since.is_some());
            }
        }
        if self.due == 0 {
            return None;
        }
        while let Some(queue) = self.changed.pop() {
            let waiting = &mut self.queues[queue.0];
            waiting.has_changed = false;
            self.oldest
                .set(queue.0, waiting.since.map(Least), Moment::default());
        }
        self.oldest.best(Moment::default()).map(QueueId)
    }

    /// One was picked: its queue has another head. Until more is heard it counts as the one before.
    pub(super) fn picked(&mut self, queue: QueueId) {
        self.picks += 1;
        let waiting = &mut self.queues[queue.0];
        if std::mem::replace(&mut waiting.is_due, false) && waiting.since.is_some() {
            self.due -= 1;
        }
        self.comes(queue);
    }

    /// A queue's head counts from this pick on.
    fn comes(&mut self, queue: QueueId) {
        if self.line.len() > 2 * self.queues.len() + SPARE {
            self.clear_up();
        }
        let waiting = &mut self.queues[queue.0];
        waiting.came = Some(self.picks);
        // Gone and back between two picks, it stands in line already.
        if waiting.lined.replace(self.picks) != Some(self.picks) {
            self.line.push_back((self.picks, queue));
        }
    }

    /// Takes out the entries that do not hold.
    fn clear_up(&mut self) {
        let queues = &mut self.queues;
        self.line.retain(|(came, queue)| {
            let waiting = &mut queues[queue.0];
            let holds = waiting.came == Some(*came);
            if !holds {
                waiting.lined = waiting.lined.filter(|lined| lined != came);
            }
            holds
        });
    }

    /// Entries in the line.
    #[cfg(test)]
    pub(super) fn line_len(&self) -> usize {
        self.line.len()
    }

    fn serve(&mut self, queue: QueueId, since: Option<Nanos>) {
        let waiting = &mut self.queues[queue.0];
        let was = std::mem::replace(&mut waiting.since, since);
        if was == since {
            return;
        }
        if waiting.is_due && was.is_some() != since.is_some() {
            match since {
                Some(_) => self.due += 1,
                None => self.due -= 1,
            }
        }
        if !std::mem::replace(&mut waiting.has_changed, true) {
            self.changed.push(queue);
        }
    }
}
