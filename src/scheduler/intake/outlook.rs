//! What is known of the heads of a queue, and what follows for those behind them.

use std::time::Duration;

use super::facts::View;
use crate::scheduler::facts::Head;
use crate::task::Moment;

/// A head as it was seen, moved on by what was taken since.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outlook {
    head: Option<Head>,
    /// How far apart in time the tasks of the queue came, as far as can be told.
    spacing: Duration,
}

impl Outlook {
    /// A sweep over the queue: its oldest task, and how many there are.
    pub(super) fn viewed(&mut self, view: &View) {
        self.head = view.head;
        if let Some(head) = view.head {
            let waits = u32::try_from(view.depth).unwrap_or(u32::MAX).max(1);
            self.spacing = view.taken_at.since(head.since) / waits;
        }
    }

    /// One more was asked for. What is behind it came later and belongs to somebody else.
    pub(super) fn advanced(&mut self) {
        if let Some(head) = &mut self.head {
            *head = after(*head, self.spacing);
        }
    }

    /// One came, with so many still asked for: those behind these came later than it.
    pub(super) fn delivered(&mut self, came: &Head, asked: u32) {
        let next = after(*came, self.spacing * (asked + 1));
        if self.head.is_none_or(|head| head.since < next.since) {
            self.head = Some(next);
        }
    }

    /// The queue turned out to be empty.
    pub(super) fn emptied(&mut self) {
        self.head = None;
    }

    /// The head, as far as it is known.
    pub(super) fn head(&self, now: Moment) -> Option<Head> {
        // Nothing that waits comes from the future.
        self.head.map(|head| Head {
            since: head.since.min(now),
            ..head
        })
    }
}

/// A task like `head` that came so much later.
fn after(head: Head, by: Duration) -> Head {
    Head {
        since: head.since + by,
        deadline: head.deadline.map(|deadline| deadline + by),
        flow: None,
        cost_ms: None,
        ..head
    }
}
