//! A schedule as it is stored in `fl_control`, and the message that waits for its next firing.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::header::{CLASS, CONTENT_TYPE, Headers, LANE, MODEL, SHARD};
use super::publication::{Arrival, Malformed, Origin, read_facts};
use super::text::percent_decode;
use super::{Codec, task_headers};
use crate::policy::{Cron, CronError, Missed};
use crate::task::{ClassName, EpochMs, Lane, ModelName, NameError, Route, Shard, Task, TaskId, TenantId};

/// Tasks that come again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Its name inside, with its tenant's prefix; its tasks' ids begin with it.
    pub name: TaskId,
    /// Whose it is.
    pub tenant: TenantId,
    /// When it fires.
    pub cron: Cron,
    /// What becomes of firings that were missed.
    pub missed: Missed,
    /// Since when it is as it is.
    pub since: EpochMs,
    /// Whether it does not fire meanwhile.
    pub is_paused: bool,
    /// What every firing publishes, but for its id and its time.
    pub task: Task,
    /// The task's body.
    pub body: Bytes,
    /// How that is written.
    pub codec: Codec,
}

/// A record that is no schedule.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableSchedule {
    /// No JSON, or a field is missing or of another type.
    #[error("the schedule cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    /// A name is not one.
    #[error("the schedule cannot be read: {key}: {source}")]
    Name {
        /// Where it stands.
        key: &'static str,
        /// What is wrong with it.
        source: NameError,
    },
    /// Its time is none; says itself whether that is the expression or the zone.
    #[error("the schedule cannot be read: {0}")]
    Cron(#[from] CronError),
    /// Its task is none.
    #[error("the schedule's headers and body are no task: {0}")]
    Task(#[from] Malformed),
    /// Something else in it.
    #[error("the schedule has no known {0}")]
    Unknown(&'static str),
}

impl UnreadableSchedule {
    fn name(key: &'static str) -> impl FnOnce(NameError) -> Self {
        move |source| Self::Name { key, source }
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    name: String,
    tenant: String,
    cron: String,
    time_zone: String,
    missed: String,
    since: i64,
    paused: bool,
    headers: BTreeMap<String, String>,
    content_type: String,
    body: String,
}

impl Schedule {
    /// What the tenant calls it.
    #[must_use]
    pub fn own_name(&self) -> TaskId {
        self.name.for_tenant(&self.tenant)
    }

    /// The task of the firing at `at`. Whoever fires it, it is the same one.
    ///
    /// # Errors
    /// [`NameError`] when the name is too long to be part of an id.
    pub fn firing(&self, at: EpochMs) -> Result<Task, NameError> {
        Ok(Task {
            id: TaskId::new(&format!("{}-{}", self.name, at.0))?,
            enqueued_at: at,
            ..self.task.clone()
        })
    }

    /// The next firing after `now`, if it is to fire.
    #[must_use]
    pub fn next(&self, now: EpochMs) -> Option<EpochMs> {
        self.cron.next(now).filter(|_| !self.is_paused)
    }

    /// Whether the other one asks for the same: when it was written, whether it is held back and what the policy made of
    /// its task do not count.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let now = |of: &Self| Self {
            since: EpochMs(0),
            is_paused: false,
            task: Task {
                enqueued_at: EpochMs(0),
                lane: self.task.lane,
                class: self.task.class.clone(),
                ..of.task.clone()
            },
            ..of.clone()
        };
        now(self) == now(other)
    }
}

/// The record's body, as JSON.
#[must_use]
pub fn schedule_body(of: &Schedule) -> Vec<u8> {
    let headers = task_headers(&of.task);
    let written = Written {
        version: 1,
        name: of.name.to_string(),
        tenant: of.tenant.to_string(),
        cron: of.cron.expression().to_owned(),
        time_zone: of.cron.time_zone().to_owned(),
        missed: of.missed.as_str().to_owned(),
        since: of.since.0,
        paused: of.is_paused,
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        content_type: of.codec.content_type().to_owned(),
        body: STANDARD.encode(&of.body),
    };
    serde_json::to_vec(&written).unwrap_or_else(|error| unreachable!("texts and numbers: {error}"))
}

/// Reads a record; fields it does not know are passed over.
///
/// # Errors
/// [`UnreadableSchedule`].
pub fn read_schedule(body: &[u8]) -> Result<Schedule, UnreadableSchedule> {
    let read: Written = serde_json::from_slice(body)?;
    let body = STANDARD
        .decode(&read.body)
        .map_err(|_| UnreadableSchedule::Unknown("body"))?;
    let mut headers = Headers::default();
    for (name, value) in read.headers {
        headers.set(name, value);
    }
    headers.set(CONTENT_TYPE, read.content_type.clone());
    let arrival = Arrival {
        route: &route(&headers)?,
        headers: &headers,
        body: &body,
        origin: Origin::Elsewhere(0),
        stored_at: EpochMs(read.since),
    };
    Ok(Schedule {
        name: TaskId::new(&read.name).map_err(UnreadableSchedule::name("name"))?,
        tenant: TenantId::new(&read.tenant).map_err(UnreadableSchedule::name("tenant"))?,
        cron: Cron::new(&read.cron, &read.time_zone)?,
        missed: Missed::parse(&read.missed).ok_or(UnreadableSchedule::Unknown("missed"))?,
        since: EpochMs(read.since),
        is_paused: read.paused,
        task: read_facts(&arrival)?,
        codec: Codec::of(Some(&read.content_type), &body),
        body: body.into(),
    })
}

fn route(headers: &Headers) -> Result<Route, UnreadableSchedule> {
    let header = |name| headers.get(name).unwrap_or_default();
    let lane: Option<Lane> = header(LANE).parse().ok();
    let shard: Option<Shard> = header(SHARD).parse().ok();
    Ok(Route {
        lane: lane.ok_or(UnreadableSchedule::Unknown("lane"))?,
        class: ClassName::new(header(CLASS)).map_err(UnreadableSchedule::name(CLASS))?,
        model: ModelName::new(&percent_decode(header(MODEL)))
            .map_err(|_| UnreadableSchedule::Unknown("model"))?
            .token(),
        shard: shard.ok_or(UnreadableSchedule::Unknown("shard"))?,
    })
}

/// What waits for a firing, and arrives when its time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firing {
    /// The revision of the schedule it belongs to; another one has timers of its own.
    pub revision: u64,
    /// When, in ms since the epoch.
    pub at_ms: i64,
}

/// The message's body, as JSON.
#[must_use]
pub fn firing_body(of: Firing) -> Vec<u8> {
    serde_json::to_vec(&of).unwrap_or_else(|error| unreachable!("numbers: {error}"))
}

/// Reads it; none where it cannot be read.
#[must_use]
pub fn read_firing(body: &[u8]) -> Option<Firing> {
    serde_json::from_slice(body).ok()
}
