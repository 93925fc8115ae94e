//! Where one task is, and what is before it there: for whoever asks about it. No task's path asks any of it.

use super::connect::Broker;
use super::error::RequestError;
use super::listing::{Cursor, Listed, Place, listed};
use super::queues::Queue;
use super::scan::Scope;
use super::subject;
use crate::task::{ClassName, EpochMs, Lane, TaskId};

/// Where the server says how many messages of a subject follow the one it answers with.
const FOLLOWING: &str = "Nats-Num-Pending";
/// A stream's clock and the time that a message was due at differ by less.
const SLACK_MS: i64 = 2_000;

/// How far a task is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach<'a> {
    /// Among tasks of this class alone.
    pub class: Option<&'a ClassName>,
    /// Among what was stored then or later.
    pub since: Option<EpochMs>,
    /// Through so many pages, and no further.
    pub pages_max: usize,
}

impl Broker {
    /// The task `id` if it is at `sequence` of a lane. `queues` are those of the lane, see [`Broker::queues`].
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn on_lane(
        &self,
        lane: Lane,
        sequence: u64,
        id: &TaskId,
        queues: &[Queue],
    ) -> Result<Option<Listed>, RequestError> {
        let stream = subject::lane_stream(lane);
        let found = self.raw_next(stream, ">", sequence).await?;
        let found = found.filter(|message| message.sequence == sequence);
        let found = found.and_then(|message| listed(place_of(lane), &message, queues));
        Ok(found.filter(|task| task.id == *id))
    }

    /// The task `id` if it is met on a lane.
    ///
    /// # Errors
    /// As [`Broker::on_lane`].
    pub async fn find_on_lane(
        &self,
        lane: Lane,
        id: &TaskId,
        reach: Reach<'_>,
        queues: &[Queue],
    ) -> Result<Option<Listed>, RequestError> {
        let filter = match reach.class {
            Some(class) => subject::tasks_of_class(lane, class),
            None => ">".to_owned(),
        };
        self.look_for(place_of(lane), &filter, id, reach, queues).await
    }

    /// The report of the task `id` if it is met among those that no coordinator has judged.
    ///
    /// # Errors
    /// As [`Broker::on_lane`].
    pub async fn find_report(&self, id: &TaskId, reach: Reach<'_>) -> Result<Option<Listed>, RequestError> {
        let filter = subject::reports_of_class(reach.class);
        self.look_for(Place::Retry, &filter, id, reach, &[]).await
    }

    async fn look_for(
        &self,
        place: Place,
        filter: &str,
        id: &TaskId,
        reach: Reach<'_>,
        queues: &[Queue],
    ) -> Result<Option<Listed>, RequestError> {
        let scope = Scope {
            stream: place.stream(),
            filter,
        };
        let mut from = match reach.since {
            Some(since) => {
                let since = EpochMs(since.0.saturating_sub(SLACK_MS));
                self.first_since(scope, since).await?
            }
            None => Some(1),
        };
        for _ in 0..reach.pages_max {
            let Some(start) = from else {
                return Ok(None);
            };
            let page = self.page(scope, start).await?;
            let mut tasks = page.iter().filter_map(|message| listed(place, message, queues));
            if let Some(task) = tasks.find(|task| task.id == *id) {
                return Ok(Some(task));
            }
            from = page.last().map(|last| last.sequence + 1);
        }
        Ok(None)
    }

    /// How many tasks of `queue` that were not given out come before the message at `at`. None where the server's
    /// answers do not tell: a message there may be gone meanwhile, or be such that no client can read it.
    ///
    /// # Errors
    /// As [`Broker::on_lane`].
    pub async fn ahead(&self, queue: &Queue, at: Cursor) -> Result<Option<u64>, RequestError> {
        let subject = subject::task(&queue.route);
        let scope = Scope {
            stream: subject::lane_stream(queue.route.lane),
            filter: &subject,
        };
        // Both counts are of the stream: the consumer's own lags behind what was cancelled.
        let first = self.following(scope, queue.delivered + 1).await?;
        let own = self.following(scope, at.sequence).await?;
        let both = first.zip(own.filter(|(sequence, _)| *sequence == at.sequence));
        Ok(both.map(|((_, all), (_, after))| all.saturating_sub(after)))
    }

    /// When the first task ended at `since` or later, and how many have ended after it. None where none has.
    ///
    /// # Errors
    /// As [`Broker::on_lane`].
    pub async fn ended_since(&self, since: EpochMs) -> Result<Option<(EpochMs, u64)>, RequestError> {
        let first = self.page_of_one_since(Scope::of(subject::RESULTS), since).await?;
        Ok(first.and_then(|message| {
            let following = message.original.header(FOLLOWING)?.parse().ok()?;
            Some((message.stored_at, following))
        }))
    }

    /// The first message of a scope at or after `sequence`, and how many follow it.
    async fn following(&self, of: Scope<'_>, sequence: u64) -> Result<Option<(u64, u64)>, RequestError> {
        let found = self.page_of_one(of, sequence).await?;
        Ok(found.and_then(|message| {
            let following = message.original.header(FOLLOWING)?.parse().ok()?;
            Some((message.sequence, following))
        }))
    }
}

const fn place_of(lane: Lane) -> Place {
    match lane {
        Lane::Core => Place::Core,
        Lane::Normal => Place::Normal,
    }
}
