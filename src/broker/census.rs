//! Reading everything there is, for the books.

use super::connect::Broker;
use super::error::RequestError;
use super::listing::{identify, timed};
use super::raw::Raw;
use super::scan::Scope;
use super::subject;
use crate::policy::{Census, Ended, Live};
use crate::task::{EpochMs, Lane, Route, Shard, State, TaskId};
use crate::wire::header::{BLOCKED, FENCE, TASK_ID};
use crate::wire::{Origin, read_fence, read_submission};

impl Broker {
    /// Everything, in the order in which tasks move: lanes, reports and timers, the archive, dead letters, records.
    /// `told` is given how many messages have been read so far.
    ///
    /// What moves back meanwhile, from a timer to its lane, can be missed: see [`Broker::look_again`].
    ///
    /// # Errors
    /// [`RequestError`] when a stream is missing or the server does not answer.
    pub async fn census(&self, now: EpochMs, told: &(dyn Fn(u64) + Sync)) -> Result<Census, RequestError> {
        let mut census = Census::new(self.records_since(now).await?);
        let read = std::cell::Cell::new(0);
        let count = |_: &Raw| {
            read.set(read.get() + 1);
            told(read.get());
        };
        // What a gateway confirms comes first: what it confirms later is not missed.
        let confirmed = &mut census.confirmed;
        self.each(Scope::of(subject::RECORDS), |message| {
            count(&message);
            if let Ok(of) = read_submission(&message.original.body)
                && of.is_confirmed()
            {
                confirmed.insert(of.task_id, of.submitted_at);
            }
        })
        .await?;
        self.copies(&mut census.copies, &count).await?;
        let letters = &mut census.letters;
        self.each(Scope::of(subject::DEAD), |message| {
            count(&message);
            letters.extend(last_token(&message).map(|id| (id, message.stored_at)));
        })
        .await?;
        let records = &mut census.records;
        self.each(Scope::of(subject::RESULTS), |message| {
            count(&message);
            let fence = read_fence(&message.original.headers());
            if let (Some(id), Some(fence)) = (last_token(&message), fence) {
                let ended = Ended {
                    sequence: message.sequence,
                    at: message.stored_at,
                    state: fence.state,
                };
                records.insert(id, ended);
            }
        })
        .await?;
        Ok(census)
    }

    /// Reads lanes, timers and the archive once more into a census in which tasks are missing.
    ///
    /// # Errors
    /// As [`Broker::census`].
    pub async fn look_again(&self, census: &mut Census) -> Result<(), RequestError> {
        self.copies(&mut census.copies, &|_| ()).await?;
        let missing: Vec<TaskId> = census
            .confirmed
            .keys()
            .filter(|id| !census.records.contains_key(*id))
            .cloned()
            .collect();
        for id in missing {
            if let Some(found) = self.fence(&id).await? {
                let ended = Ended {
                    sequence: found.sequence,
                    at: found.stored_at,
                    state: found.record.state,
                };
                census.records.insert(id, ended);
            }
        }
        Ok(())
    }

    async fn copies(&self, into: &mut Vec<Live>, count: &dyn Fn(&Raw)) -> Result<(), RequestError> {
        for lane in Lane::ALL {
            self.each(Scope::of(subject::lane_stream(lane)), |message| {
                count(&message);
                into.push(queued(lane, &message));
            })
            .await?;
        }
        self.each(Scope::of(subject::RETRY), |message| {
            count(&message);
            into.extend(waiting(&message));
        })
        .await?;
        self.each(Scope::of(subject::HELD), |message| {
            count(&message);
            // A safe copy of a task that is moved, or one that waits for others.
            let state = message
                .original
                .header(BLOCKED)
                .map_or(State::Queued, |_| State::Blocked);
            into.extend(last_token(&message).map(|id| copy(id, state, &message)));
        })
        .await?;
        self.each(Scope::of(subject::ARCHIVE), |message| {
            count(&message);
            into.extend(last_token(&message).map(|id| copy(id, State::Archived, &message)));
        })
        .await
    }

    async fn each(&self, of: Scope<'_>, mut take: impl FnMut(Raw)) -> Result<(), RequestError> {
        let mut from = 1;
        loop {
            let page = self.page(of, from).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            from = last.sequence + 1;
            page.into_iter().for_each(&mut take);
        }
    }

    /// From when on records are kept.
    async fn records_since(&self, now: EpochMs) -> Result<EpochMs, RequestError> {
        let operation = "read how long records are kept";
        let stream = self.context.get_stream(subject::RESULTS).await;
        let stream = stream.map_err(RequestError::of(operation))?;
        let kept = stream.cached_info().config.max_age.as_millis();
        Ok(match i64::try_from(kept) {
            Ok(kept) if kept > 0 => EpochMs(now.0.saturating_sub(kept)),
            _ => EpochMs(0),
        })
    }
}

fn copy(id: TaskId, state: State, message: &Raw) -> Live {
    let fence = message.original.header(FENCE).and_then(|text| text.parse().ok());
    Live {
        id,
        state,
        fence: fence.unwrap_or(0),
    }
}

fn last_token(message: &Raw) -> Option<TaskId> {
    TaskId::new(message.subject.rsplit('.').next()?).ok()
}

/// A task on its lane. One without a legal subject is going to be a dead letter, under the id it has.
fn queued(lane: Lane, message: &Raw) -> Live {
    let orphan = TaskId::of_orphan(lane, message.sequence);
    let id = match subject::parse_task(&message.subject) {
        Some(route) => identify(&route, message, Origin::Lane(message.sequence)).id,
        None => named(message).unwrap_or(orphan),
    };
    copy(id, State::Queued, message)
}

/// A task that waits for its time, or failed and waits for its verdict, or to go back to its lane.
fn waiting(message: &Raw) -> Option<Live> {
    if subject::is_of_schedule(&message.subject) {
        return None;
    }
    let id = match subject::parse_retry(&message.subject) {
        None => last_token(message)?,
        Some((lane, class, model)) => {
            let route = Route {
                lane,
                class,
                model,
                shard: Shard::Stable(0),
            };
            identify(&route, message, Origin::Elsewhere(message.sequence)).id
        }
    };
    Some(copy(id, timed(message), message))
}

fn named(message: &Raw) -> Option<TaskId> {
    TaskId::new(message.original.header(TASK_ID)?).ok()
}
