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
    ///
    /// Where there was none, what comes next came later than the look, and is taken to be like what came last: nothing
    /// known of it would put it behind all others until the next sweep.
    pub(super) fn viewed(&mut self, view: &View) {
        if let Some(head) = view.head {
            let waits = u32::try_from(view.depth).unwrap_or(u32::MAX).max(1);
            self.spacing = view.taken_at.since(head.since) / waits;
            self.head = Some(head);
        } else if let Some(head) = self.head {
            self.head = Some(after(head, view.taken_at.since(head.since)));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    /// A look at a moment when nothing was there says nothing of the urgency of what comes next.
    #[test]
    fn a_sweep_that_met_an_empty_queue_leaves_what_is_known_of_its_tasks() {
        let urgent = Head {
            urgency: 8.0,
            ..Head::arrived(at(100))
        };
        let mut outlook = Outlook::default();
        outlook.delivered(&urgent, 0);
        outlook.viewed(&View {
            depth: 0,
            head: None,
            taken_at: at(250),
        });
        let head = outlook
            .head(at(300))
            .expect("it is taken to be like the last one");
        assert_eq!((head.urgency, head.since), (8.0, at(250)));
        assert_eq!(Outlook::default().head(at(300)), None);
    }
}
