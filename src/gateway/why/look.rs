//! What is around a task: queues, workers, the load.

use super::find::Found;
use crate::broker::leadership::LEADER;
use crate::broker::listing::Listed;
use crate::broker::queues::Queue;
use crate::broker::registry::Registered;
use crate::broker::{Broker, RequestError};
use crate::policy::{Ahead, Case, Crew, Load, Mesh, OnLane, Pace, Policy, QueueSeen, Whereabouts};
use crate::task::{EpochMs, Lane, State};
use crate::wire::{OverloadNote, WorkerState};

/// How far back endings are counted at the most, in ms: workers come and go.
const PACE_MS_MAX: i64 = 30_000;

/// One look at the mesh, under one policy.
pub(super) struct Look<'a> {
    pub(super) broker: &'a Broker,
    pub(super) policy: &'a Policy,
    pub(super) now: EpochMs,
    core: Vec<Queue>,
    normal: Vec<Queue>,
    workers: Vec<Registered>,
}

impl<'a> Look<'a> {
    pub(super) async fn at(broker: &'a Broker, policy: &'a Policy) -> Result<Self, RequestError> {
        Ok(Self {
            broker,
            policy,
            core: broker.queues(Lane::Core).await?,
            normal: broker.queues(Lane::Normal).await?,
            workers: broker.workers().await?,
            now: broker.server_time().await?,
        })
    }

    /// The queues of a lane.
    pub(super) fn queues(&self, lane: Lane) -> &[Queue] {
        match lane {
            Lane::Core => &self.core,
            Lane::Normal => &self.normal,
        }
    }

    /// Workers that act on another policy than this one.
    pub(super) fn strangers(&self) -> Vec<String> {
        let own = format!("{:016x}", self.policy.fingerprint());
        let others = self
            .workers
            .iter()
            .filter(|worker| worker.beat.policy.hash != own);
        others
            .filter(|worker| !worker.is_lost())
            .map(|worker| worker.beat.worker.to_string())
            .collect()
    }

    /// Everything that is judged of a task.
    pub(super) async fn case(&self, found: &Found) -> Result<Case, RequestError> {
        let place = match &found.listed {
            Some(listed) => Whereabouts::Lane(self.on_lane(found, listed).await?),
            None => found.place.clone(),
        };
        Ok(Case {
            now: self.now,
            route: found.route.clone(),
            model: found.model.clone(),
            mesh: self.mesh(&place).await?,
            paused_since: self.paused_since(found).await?,
            place,
        })
    }

    async fn on_lane(&self, found: &Found, listed: &Listed) -> Result<OnLane, RequestError> {
        let route = found.route.as_ref();
        let queue = route.and_then(|route| self.queues(route.lane).iter().find(|q| q.route == *route));
        let is_delivered = listed.state == State::Running;
        let ahead = match queue.filter(|_| !is_delivered) {
            Some(queue) => self.ahead(queue, listed).await?,
            None => Ahead::default(),
        };
        Ok(OnLane {
            sequence: listed.at.sequence,
            since: listed.since,
            is_delivered,
            ahead,
            deadline: listed.task.as_ref().and_then(|task| task.facts.deadline),
            may_rise: listed.hop < self.policy.bounds.max_hops && !listed.is_timed_out,
        })
    }

    /// Since when the queue that the task is in or goes to is held back on request.
    async fn paused_since(&self, found: &Found) -> Result<Option<EpochMs>, RequestError> {
        let Some(route) = &found.route else {
            return Ok(None);
        };
        let pauses = self.broker.pauses().await?;
        let paused = pauses.iter().find(|paused| paused.pause.covers(route));
        Ok(paused.map(|paused| paused.since))
    }

    async fn ahead(&self, queue: &Queue, listed: &Listed) -> Result<Ahead, RequestError> {
        let counted = self.broker.ahead(queue, listed.at).await?;
        Ok(Ahead {
            tasks: counted.unwrap_or(queue.waiting.saturating_sub(1)),
            is_exact: counted.is_some(),
        })
    }

    /// How fast tasks end while the task waits on its lane: nobody is at rest then for want of work.
    async fn pace(&self, place: &Whereabouts) -> Result<Option<Pace>, RequestError> {
        let Whereabouts::Lane(on) = place else {
            return Ok(None);
        };
        let earliest = EpochMs(self.now.0.saturating_sub(PACE_MS_MAX));
        let ended = self.broker.ended_since(earliest.max(on.since)).await?;
        Ok(ended.map(|(first, ended)| Pace {
            ended,
            over_ms: self.now.since(first),
        }))
    }

    async fn mesh(&self, place: &Whereabouts) -> Result<Mesh, RequestError> {
        let queues = Lane::ALL.into_iter().flat_map(|lane| self.queues(lane));
        Ok(Mesh {
            queues: queues.map(queue).collect(),
            workers: self.workers.iter().map(crew).collect(),
            load: self.broker.overload().await?.note.as_ref().map(load),
            pace: self.pace(place).await?,
            is_led: self.broker.is_led(LEADER).await?,
        })
    }
}

fn queue(of: &Queue) -> QueueSeen {
    QueueSeen {
        route: of.route.clone(),
        waiting: of.waiting,
        out: of.out,
        limit: of.limit,
        is_paused: of.is_paused,
    }
}

fn crew(of: &Registered) -> Crew {
    let beat = &of.beat;
    Crew {
        name: beat.worker.to_string(),
        is_taking: beat.state == WorkerState::Taking,
        is_lost: of.is_lost(),
        slots: beat.slots,
        running: beat.running,
        models: beat.models.clone(),
    }
}

fn load(of: &OverloadNote) -> Load {
    Load {
        standing: of.standing,
        core: of.core,
        normal: of.normal,
        archived: of.archived,
        at: of.at,
    }
}
