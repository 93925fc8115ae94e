//! Looking for tasks that others wait for: whether they have ended, and where they are if not.

use std::collections::HashSet;
use std::time::Duration;

use super::watch::Watch;
use crate::broker::listing::{Cursor, Place};
use crate::broker::subject::RecordKey;
use crate::broker::{RequestError, WriteError};
use crate::clock;
use crate::coordinator::Coordinator;
use crate::coordinator::audit::identify;
use crate::coordinator::relocate::relocate;
use crate::task::{EventKind, Lane, Moment, State, Task, TaskId};

/// Pages of the lane that are read in one look.
const PAGES_MAX: usize = 4;
/// Pause after the whole lane was read through in vain.
const SEARCH_PAUSE: Duration = Duration::from_secs(10);

/// Where a task is that others wait for.
pub(super) enum Found {
    /// It has ended.
    Ended(State),
    /// On a lane, and no worker was given it.
    Queued(Box<Task>, u64),
    /// With a worker.
    OutOfReach,
    /// Not where its record says, or it has none.
    Nowhere,
}

/// How far the lane has been read for those that are not where their record says.
pub(super) struct Search {
    from: u64,
    not_before: Moment,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            from: 1,
            not_before: Moment::default(),
        }
    }
}

/// Whether a task has ended, and where it is if not. It was seen at `known` last; its record says where it was first.
pub(super) async fn look(
    of: &Coordinator,
    id: &TaskId,
    known: Option<(Lane, u64)>,
) -> Result<Found, WriteError> {
    if let Some(ended) = of
        .broker
        .fence(id)
        .await?
        .filter(|f| f.record.state.is_terminal())
    {
        let is_open = ended.record.state == State::Dead
            && of.broker.letter_taken(id, ended.stored_at).await? == Some(EventKind::Replay);
        if !is_open {
            return Ok(Found::Ended(ended.record.state));
        }
    }
    if let Some(place) = known
        && let Some(found) = at(of, id, place).await?
    {
        return Ok(found);
    }
    let submission = match of.broker.submission(&RecordKey::Task(id.clone())).await {
        Err(error) if error.is_unreadable() => None,
        read => read?,
    };
    let first = submission.and_then(|(of, _)| Some((of.lane, of.sequence?)));
    match first.filter(|first| known != Some(*first)) {
        Some(first) => Ok(at(of, id, first).await?.unwrap_or(Found::Nowhere)),
        None => Ok(Found::Nowhere),
    }
}

/// The task as it is at that place; none where it is not there.
async fn at(of: &Coordinator, id: &TaskId, place: (Lane, u64)) -> Result<Option<Found>, WriteError> {
    let (lane, sequence) = place;
    let Some(is_out) = of.broker.is_delivered(lane, sequence).await? else {
        return Ok(None);
    };
    if is_out {
        return Ok(Some(Found::OutOfReach));
    }
    let Some(message) = of.broker.waiting_at(lane, sequence).await? else {
        return Ok(Some(Found::OutOfReach));
    };
    let (task, _) = identify(of, lane, &message)?;
    Ok((task.id == *id).then(|| Found::Queued(Box::new(task), sequence)))
}

/// Moves a task up for the sake of those that wait for it, if no worker was given it meanwhile. Where it is then.
pub(super) async fn promote(
    of: &Coordinator,
    id: &TaskId,
    to: Lane,
    lane: Lane,
    sequence: u64,
) -> Result<Option<(Lane, u64)>, WriteError> {
    let Some(message) = of.broker.waiting_at(lane, sequence).await? else {
        return Ok(None);
    };
    let (task, _) = identify(of, lane, &message)?;
    // A move uses a hop; one without any left stays and is executed where it is.
    if task.id != *id || task.hop >= of.policy().bounds.max_hops {
        return Ok(None);
    }
    let hop = task.hop.saturating_add(1);
    let why = "a task that waits for it is more urgent";
    Ok(Some(relocate(of, &task, (to, hop), &message, why).await?))
}

impl Watch<'_> {
    /// Reads a part of the lane for tasks that more urgent ones wait for and whose place is not known: those that came
    /// without a gateway, or are on a later hop.
    pub(super) async fn search(&mut self) -> Result<(), RequestError> {
        let now = clock::monotonic();
        let sought: HashSet<TaskId> = self.board.sought().cloned().collect();
        if sought.is_empty() {
            self.search = Search::default();
            return Ok(());
        }
        if now < self.search.not_before {
            return Ok(());
        }
        let queues = self.of.broker.queues(Lane::Normal).await?;
        for _ in 0..PAGES_MAX {
            let from = Cursor {
                place: Place::Normal,
                sequence: self.search.from,
            };
            let (page, next) = self.of.broker.listed(from, &queues).await?;
            for listed in page.into_iter().filter(|listed| sought.contains(&listed.id)) {
                match listed.task.filter(|_| listed.state == State::Queued) {
                    Some(task) => self.queued(&task, listed.at.sequence),
                    None => self.runs(&listed.id, (Lane::Normal, listed.at.sequence)),
                }
            }
            match next {
                Some(next) => self.search.from = next.sequence,
                None => {
                    self.search = Search {
                        from: 1,
                        not_before: Moment(now.0 + SEARCH_PAUSE),
                    };
                    break;
                }
            }
        }
        Ok(())
    }
}
