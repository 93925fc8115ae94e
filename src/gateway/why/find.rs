//! Finding a task wherever it is.

use super::look::Look;
use crate::broker::RequestError;
use crate::broker::blocking::Aside;
use crate::broker::fetch::Stored;
use crate::broker::keys::Tenure;
use crate::broker::listing::Listed;
use crate::broker::shelf::{Kept, Shelf};
use crate::broker::subject::RecordKey;
use crate::broker::waiting::Waiting;
use crate::broker::whereabouts::Reach;
use crate::policy::{Ending, Holder, KeyHeld, LaneFill, Parent, Timer, Whereabouts};
use crate::task::{
    BlockedOn, ClassName, EpochMs, KeyId, Lane, ModelName, Route, State, Task, TaskId, TenantId,
};
use crate::wire::{ResultRecord, Submission};

/// Pages of its class that are gone through for a task of a later hop: it was put at the end at a known time.
const PAGES_MAX: usize = 20;
/// Places of a key that are looked at.
const PLACES_MAX: u32 = 64;

/// How far a task is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Where its records and what befell it lead.
    Near,
    /// Everywhere.
    Everything,
}

/// A task, and what is known of it.
pub(super) struct Asked<'a> {
    /// As it is called inside.
    pub(super) id: &'a TaskId,
    pub(super) submission: Option<Submission>,
    /// The record that stands.
    pub(super) ended: Option<Stored<ResultRecord>>,
    pub(super) extent: Extent,
}

/// A task that was found.
pub(super) struct Found {
    pub(super) state: State,
    pub(super) place: Whereabouts,
    /// Its queue, or the one it goes to.
    pub(super) route: Option<Route>,
    pub(super) class: Option<ClassName>,
    pub(super) tenant: Option<TenantId>,
    pub(super) model: Option<ModelName>,
    pub(super) attempt: Option<u32>,
    /// Its message, where it is on a lane.
    pub(super) listed: Option<Listed>,
}

impl Found {
    fn of(task: &Task, state: State, place: Whereabouts) -> Self {
        Self {
            state,
            place,
            route: Some(Route::of(task)),
            class: Some(task.class.clone()),
            tenant: Some(task.tenant.clone()),
            model: Some(task.model.clone()),
            attempt: Some(task.attempt),
            listed: None,
        }
    }

    /// One of which only that is known that was noted when it was submitted.
    fn noted(submission: &Submission, state: State, place: Whereabouts) -> Self {
        Self {
            state,
            place,
            route: None,
            class: Some(submission.class.clone()),
            tenant: Some(submission.tenant.clone()),
            model: Some(submission.model.clone()),
            attempt: None,
            listed: None,
        }
    }

    /// On a lane; what is before it is seen later. None where its message is no task.
    fn on_lane(listed: Listed) -> Option<Self> {
        let task = listed.task.as_ref()?;
        let found = Self::of(task, listed.state, Whereabouts::Between);
        Some(Self {
            listed: Some(listed),
            ..found
        })
    }

    fn timed(waiting: &Waiting, lane: Option<LaneFill>) -> Self {
        let last = waiting.history.last();
        let timer = Timer {
            due: waiting.due,
            attempt: waiting.task.attempt,
            is_retry: waiting.state() == State::Retrying,
            error: last.map(|entry| (entry.kind, entry.error.clone())),
            lane,
        };
        Self::of(&waiting.task, waiting.state(), Whereabouts::Timer(timer))
    }

    fn parked(kept: &Kept) -> Self {
        match &kept.read {
            Ok((report, why)) => Self::of(
                &report.task,
                State::Archived,
                Whereabouts::Archive(why.parse().ok()),
            ),
            Err(_) => Self {
                class: ClassName::new(kept.names().0).ok(),
                ..Self::bare(State::Archived, Whereabouts::Archive(None))
            },
        }
    }

    const fn bare(state: State, place: Whereabouts) -> Self {
        Self {
            state,
            place,
            route: None,
            class: None,
            tenant: None,
            model: None,
            attempt: None,
            listed: None,
        }
    }
}

impl Look<'_> {
    /// The task; none where it is nowhere and nothing is noted of it.
    pub(super) async fn find(&self, asked: Asked<'_>) -> Result<Option<Found>, RequestError> {
        let Asked {
            id,
            submission,
            ended,
            extent,
        } = asked;
        let letter = self.broker.kept(Shelf::Dead, id).await?;
        if let Some(ended) = &ended {
            return Ok(Some(over(ended, submission.as_ref(), letter.as_ref())));
        }
        if let Some(waiting) = self.broker.waiting(id).await? {
            let fill = self.fill(waiting.task.lane, waiting.due).await?;
            return Ok(Some(Found::timed(&waiting, fill)));
        }
        if let Some((lane, sequence)) = submission.as_ref().and_then(|s| Some((s.lane, s.sequence?))) {
            let listed = self.broker.on_lane(lane, sequence, id, self.queues(lane)).await?;
            if let Some(found) = listed.and_then(Found::on_lane) {
                return Ok(Some(found));
            }
        }
        if let Some(aside) = self.broker.aside(id).await? {
            return Ok(Some(self.blocked(&aside).await?));
        }
        if let Some(kept) = self.broker.kept(Shelf::Archive, id).await? {
            return Ok(Some(Found::parked(&kept)));
        }
        if let Some(found) = self.search(id, submission.as_ref(), extent).await? {
            return Ok(Some(found));
        }
        let lost = submission.map(|s| Found::noted(&s, State::Queued, Whereabouts::Between));
        // Without a record, its letter is the last that is known of it.
        Ok(lost.or_else(|| letter.as_ref().map(buried)))
    }

    /// Goes through lanes and reports.
    async fn search(
        &self,
        id: &TaskId,
        submission: Option<&Submission>,
        extent: Extent,
    ) -> Result<Option<Found>, RequestError> {
        let reach = match extent {
            Extent::Everything => Reach {
                class: None,
                since: None,
                pages_max: usize::MAX,
            },
            Extent::Near => Reach {
                class: submission.map(|submission| &submission.class),
                since: self.since(id, submission).await?,
                pages_max: PAGES_MAX,
            },
        };
        for lane in Lane::ALL {
            let listed = self
                .broker
                .find_on_lane(lane, id, reach, self.queues(lane))
                .await?;
            if let Some(found) = listed.and_then(Found::on_lane) {
                return Ok(Some(found));
            }
        }
        let reported = self.broker.find_report(id, reach).await?;
        Ok(reported.and_then(|listed| {
            let place = Whereabouts::Verdict { since: listed.since };
            Some(Found::of(listed.task.as_ref()?, State::Retrying, place))
        }))
    }

    /// When the task came to where it is, as far as is told.
    async fn since(
        &self,
        id: &TaskId,
        submission: Option<&Submission>,
    ) -> Result<Option<EpochMs>, RequestError> {
        let events = self.broker.events(id).await?;
        let last = events
            .last()
            .map(|event| event.record.due.unwrap_or(event.stored_at));
        Ok(last.or(submission.map(|s| s.run_at.unwrap_or(s.submitted_at))))
    }

    /// How full the lane is that a timer leads to, where its time has come.
    async fn fill(&self, lane: Lane, due: EpochMs) -> Result<Option<LaneFill>, RequestError> {
        if due > self.now {
            return Ok(None);
        }
        let state = self
            .broker
            .fill(crate::broker::subject::lane_stream(lane))
            .await?;
        let bounds = [
            (state.messages, state.messages_max),
            (state.bytes, state.bytes_max),
        ];
        let bounded = bounds
            .into_iter()
            .filter_map(|(held, max)| Some((held, max.filter(|max| *max > 0)?)));
        let part = |(held, max): &(u64, u64)| *held as f64 / *max as f64;
        let nearest = bounded.max_by(|a, b| part(a).total_cmp(&part(b)));
        Ok(nearest.map(|(held, max)| LaneFill { held, max }))
    }

    async fn blocked(&self, aside: &Aside) -> Result<Found, RequestError> {
        let task = &aside.blocked.task;
        let place = match (aside.blocked.on, &task.facts.concurrency_key) {
            (BlockedOn::Key, Some(key)) => Whereabouts::Key(self.key(&task.tenant, key).await?),
            _ => {
                let mut parents = Vec::new();
                for parent in &task.facts.depends_on {
                    let state = self.state(parent).await?;
                    let id = parent.for_tenant(&task.tenant);
                    parents.push(Parent { id, state });
                }
                Whereabouts::Parents(parents)
            }
        };
        Ok(Found::of(task, State::Blocked, place))
    }

    async fn key(&self, tenant: &TenantId, key: &str) -> Result<KeyHeld, RequestError> {
        let limit = self.policy.keys.limit_of(key);
        let tenures = self
            .broker
            .key_tenures(&KeyId::of(tenant, key), limit.min(PLACES_MAX))
            .await?;
        let holder = |(tenure, until)| {
            let (task, worker) = match tenure {
                Tenure::Free => return None,
                Tenure::Reserved(task) => (task, None),
                Tenure::Held(task, worker) => (task, Some(worker)),
            };
            let task = task.for_tenant(tenant);
            Some(Holder { task, worker, until })
        };
        Ok(KeyHeld {
            key: key.to_owned(),
            limit,
            holders: tenures.into_iter().filter_map(holder).collect(),
        })
    }

    /// What a task is; none where nothing tells.
    async fn state(&self, id: &TaskId) -> Result<Option<State>, RequestError> {
        if let Some(ended) = self.broker.fence(id).await? {
            return Ok(Some(ended.record.state));
        }
        if let Some(waiting) = self.broker.waiting(id).await? {
            return Ok(Some(waiting.state()));
        }
        if self.broker.aside(id).await?.is_some() {
            return Ok(Some(State::Blocked));
        }
        let submission = self
            .broker
            .submission(&RecordKey::Task(id.clone()))
            .await
            .ok()
            .flatten();
        let Some((submission, _)) = submission else {
            return Ok(None);
        };
        let delivered = match submission.sequence {
            Some(sequence) => self.broker.is_delivered(submission.lane, sequence).await?,
            None => None,
        };
        Ok(Some(match delivered {
            Some(true) => State::Running,
            Some(false) => State::Queued,
            None if self.broker.kept(Shelf::Archive, id).await?.is_some() => State::Archived,
            None => State::Queued,
        }))
    }
}

/// A task that has ended.
fn over(ended: &Stored<ResultRecord>, submission: Option<&Submission>, letter: Option<&Kept>) -> Found {
    let record = &ended.record;
    let is_dead = record.state == State::Dead;
    let letter = letter.filter(|_| is_dead);
    // Its record counts those before the last one.
    let failed = letter.and_then(|letter| letter.read.as_ref().ok());
    let attempt = failed.map_or(record.attempt, |(report, _)| report.executions());
    let ending = Ending {
        state: record.state,
        at: Some(ended.stored_at),
        worker: record.worker.clone(),
        queued_ms: record.queued_ms,
        exec_ms: record.exec_ms,
        attempt,
        error: record.error.clone().map(|error| (error.kind, error.message)),
        letter: letter.map(|letter| reason(letter).to_owned()),
    };
    let place = Whereabouts::Ended(ending);
    Found {
        class: Some(record.class.clone()),
        tenant: Some(record.tenant.clone()),
        model: submission.map(|submission| submission.model.clone()),
        attempt: Some(attempt),
        ..Found::bare(record.state, place)
    }
}

fn reason(letter: &Kept) -> &'static str {
    letter.read.as_ref().map_or("unreadable", |(_, reason)| reason)
}

/// A dead letter whose record is gone.
fn buried(letter: &Kept) -> Found {
    let ending = |attempt, worker, error| {
        Whereabouts::Ended(Ending {
            state: State::Dead,
            at: Some(letter.stored_at),
            worker,
            queued_ms: 0,
            exec_ms: 0,
            attempt,
            error,
            letter: Some(reason(letter).to_owned()),
        })
    };
    match &letter.read {
        Ok((report, _)) => {
            let error = Some((report.kind.to_string(), report.error.clone()));
            let place = ending(report.executions(), report.worker.clone(), error);
            Found::of(&report.task, State::Dead, place)
        }
        Err(_) => Found::bare(State::Dead, ending(0, String::new(), None)),
    }
}
