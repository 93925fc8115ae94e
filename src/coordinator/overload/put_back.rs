//! What overload has put aside goes back by itself: the most urgent classes first, of each the oldest first, as many as
//! keep the lanes at work and no more.
//!
//! That holds on every level: workers that run dry beside a full archive would make the overload last longer. What is put
//! back is never so much that a level would be entered for it.

use std::collections::HashMap;

use futures_util::future::join_all;

use super::look::Seen;
use crate::broker::publish::PublishError;
use crate::broker::queues::Queue;
use crate::broker::replay::Replayed;
use crate::broker::shelf::{Kept, Shelf};
use crate::broker::{RequestError, WriteError};
use crate::clock;
use crate::coordinator::Coordinator;
use crate::coordinator::bury::{Buried, fence};
use crate::coordinator::carry_out::EXPIRED;
use crate::failpoint;
use crate::policy::{QueueFill, Room, is_expired};
use crate::task::{ClassName, EventKind, Lane, ParkReason, State};
use crate::wire::{Report, ResultError, TaskEvent};

/// Tasks that are put back at the same time: the disk of the server is what each of them waits for.
const AT_ONCE: usize = 16;
/// Messages of a class that are looked at for the next such tasks: behind many that wait for somebody's hand, the look
/// goes on the next time.
const LOOKS_MAX: usize = 500;

/// What is known of the archive.
#[derive(Default)]
pub(super) struct Archive {
    /// How far each class was gone through: nothing that overload put aside lies before.
    from: HashMap<ClassName, u64>,
    /// Messages that were passed over, because they wait for somebody's hand.
    by_hand: u64,
    /// The last message there was when all of it had been gone through.
    seen_to: Option<u64>,
}

/// Where a look at one class ended.
enum Reached {
    /// Nothing more is there.
    End,
    /// There may be more, for which there is no room or no time.
    More,
}

impl Archive {
    /// Puts back what there is room for.
    pub(super) async fn put_back(&mut self, of: &Coordinator, seen: &Seen) {
        let last = seen.archive.last_sequence;
        if seen.archive.messages == 0 {
            *self = Self {
                seen_to: Some(last),
                ..Self::default()
            };
            return;
        }
        if self.seen_to == Some(last) {
            return;
        }
        let policy = of.policy();
        let mut classes: Vec<_> = policy.classes.iter().collect();
        classes.sort_by_key(|class| class.priority);
        let mut free = room(of, seen);
        let mut is_all = true;
        for class in classes.into_iter().map(|class| &class.name) {
            match self.put_back_class(of, class, &mut free).await {
                Ok(Reached::End) => (),
                Ok(Reached::More) => is_all = false,
                Err(error) => {
                    tracing::warn!(%class, %error, "the archive was not emptied as far as there was room; trying again");
                    is_all = false;
                }
            }
        }
        self.seen_to = is_all.then_some(last);
    }

    /// Whether something lies there for want of room.
    pub(super) const fn is_in_use(&self) -> bool {
        self.seen_to.is_none()
    }

    /// How many tasks that overload put aside lie there, about: those by whom nobody came yet all count.
    pub(super) fn left(&self, seen: &Seen) -> u64 {
        match self.is_in_use() {
            true => seen.archive.messages.saturating_sub(self.by_hand),
            false => 0,
        }
    }

    async fn put_back_class(
        &mut self,
        of: &Coordinator,
        class: &ClassName,
        free: &mut Room,
    ) -> Result<Reached, WriteError> {
        loop {
            let start = self.from.get(class).copied().unwrap_or(1);
            let batch = self.batch(of, class, start, free).await?;
            let Some(last) = batch.last else {
                return Ok(batch.reached);
            };
            let put = join_all(batch.tasks.iter().map(|kept| put_one(of, kept))).await;
            // In order, so that the place is right where one of them could not be put back.
            for (kept, put) in batch.tasks.iter().zip(put) {
                match put? {
                    true => self.pass(class, kept.sequence, &batch.by_hand),
                    false => return Ok(Reached::More),
                }
            }
            self.pass(class, last, &batch.by_hand);
            if batch.tasks.len() < AT_ONCE {
                return Ok(batch.reached);
            }
        }
    }

    /// A class was gone through up to `last`. What waits for somebody's hand is counted as it is passed: what is only
    /// looked at is looked at again.
    fn pass(&mut self, class: &ClassName, last: u64, by_hand: &[u64]) {
        let from = self.from.insert(class.clone(), last + 1).unwrap_or(1);
        let passed = by_hand
            .iter()
            .filter(|sequence| (from..=last).contains(*sequence));
        self.by_hand += passed.count() as u64;
    }

    /// The next tasks of a class that may go back, read and not touched.
    async fn batch(
        &self,
        of: &Coordinator,
        class: &ClassName,
        start: u64,
        free: &mut Room,
    ) -> Result<Batch, RequestError> {
        let (mut from, mut last, mut looks) = (start, None, 0);
        let (mut tasks, mut by_hand) = (Vec::new(), Vec::new());
        let reached = loop {
            looks += 1;
            if tasks.len() == AT_ONCE || looks > LOOKS_MAX {
                break Reached::More;
            }
            let next = of.broker.next_kept(Shelf::Archive, Some(class), from).await?;
            let Some(kept) = next else {
                break Reached::End;
            };
            let sequence = kept.sequence;
            match lane_of(&kept) {
                None => by_hand.push(sequence),
                Some(lane) if free.take(lane, class) => tasks.push(kept),
                Some(_) => break Reached::More,
            }
            (from, last) = (sequence + 1, Some(sequence));
        };
        Ok(Batch {
            tasks,
            by_hand,
            last,
            reached,
        })
    }
}

struct Batch {
    tasks: Vec<Kept>,
    /// Where messages lie that wait for somebody's hand.
    by_hand: Vec<u64>,
    /// The last message that was looked at and is not left for later.
    last: Option<u64>,
    reached: Reached,
}

/// The places there are now.
fn room(of: &Coordinator, seen: &Seen) -> Room {
    let fill = |queue: &Queue| QueueFill {
        lane: queue.route.lane,
        class: queue.route.class.clone(),
        limit: queue.limit,
        waiting: queue.waiting,
        is_paused: queue.is_paused,
    };
    let queues: Vec<QueueFill> = seen.queues.iter().map(fill).collect();
    Room::new(&of.policy().overload, &queues, |lane| {
        seen.rate(lane).at_least_per_s()
    })
}

/// The lane a task goes back to. None where overload did not put it there, or nobody can tell.
fn lane_of(kept: &Kept) -> Option<Lane> {
    match &kept.read {
        Ok((report, why)) if *why == ParkReason::Overload.as_str() => Some(report.task.lane),
        _ => None,
    }
}

/// Puts one task back, or ends it where its time is over. False where its lane is full.
async fn put_one(of: &Coordinator, kept: &Kept) -> Result<bool, WriteError> {
    if let Ok((report, _)) = &kept.read
        && is_expired(&report.task, clock::wall())
    {
        expire(of, kept, report).await?;
        return Ok(true);
    }
    let put = of
        .broker
        .replay_as(Shelf::Archive, kept, "there is room for it again")
        .await;
    match put {
        Ok(Replayed::Queued { .. }) => {
            if let Ok((report, _)) = &kept.read {
                of.metrics.put_back(report.task.lane, &report.task.class);
            }
            Ok(true)
        }
        // It has ended otherwise, and is taken away.
        Ok(Replayed::Stale | Replayed::Unreadable) => Ok(true),
        Err(WriteError::Publish(PublishError::Full { .. })) => Ok(false),
        // It has grown by its history: it lies here until somebody looks at it.
        Err(WriteError::Publish(PublishError::TooLarge { .. })) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Its record first: what lies in the archive then is a copy nobody needs.
pub(in crate::coordinator) async fn expire(
    of: &Coordinator,
    kept: &Kept,
    report: &Report,
) -> Result<(), WriteError> {
    let error = ResultError {
        kind: EXPIRED.to_owned(),
        message: "its deadline passed while it lay in the archive".to_owned(),
    };
    let told = error.message.clone();
    let ended = fence(&of.broker, report, State::Expired, error, clock::wall()).await?;
    failpoint::hit("expire.after_fence");
    of.broker.throw_away(Shelf::Archive, kept).await?;
    if ended == Buried::Done {
        let task = &report.task;
        of.metrics.expired(&task.class);
        let event = TaskEvent::of(task, EventKind::Expire, told);
        of.broker.tell(&task.class, &task.id, &event).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_hand_is_counted_once_however_often_it_is_looked_at() {
        let (mut archive, class) = (Archive::default(), ClassName::new("daily_backup").unwrap());
        let by_hand = [2, 5, 6];
        archive.pass(&class, 3, &by_hand);
        assert_eq!(archive.by_hand, 1);
        // The lane was full behind it: the same messages are looked at again.
        archive.pass(&class, 4, &by_hand);
        archive.pass(&class, 4, &by_hand);
        assert_eq!(archive.by_hand, 1);
        archive.pass(&class, 6, &by_hand);
        archive.pass(&class, 7, &[7]);
        assert_eq!(archive.by_hand, 4);
    }
}
