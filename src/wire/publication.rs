//! A task as it arrives: from a client of ours with all headers, or a bare PUB with none.

use serde_json::Value;

use super::body::salvage_task_id;
use super::envelope::{Place, is_complete, read_envelope};
use super::header::{self, ReadHeaders};
use super::{TaskBody, parse_body};
use crate::task::{EpochMs, ModelName, Route, Task, TaskFacts, TaskId, TenantId};

/// Where a message lies: what it is called if nobody named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// At this sequence of its lane's stream: the name every redelivery agrees on.
    Lane(u64),
    /// At this sequence of another stream, where `<lane>-<sequence>` would name somebody else's task.
    Elsewhere(u64),
}

/// A task on a lane, or what is left of one elsewhere.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// What its subject says; wins over headers and body.
    pub route: &'a Route,
    /// Its headers.
    pub headers: &'a dyn ReadHeaders,
    /// Its body, byte for byte.
    pub body: &'a [u8],
    /// Where it lies.
    pub origin: Origin,
    /// When the stream stored it.
    pub stored_at: EpochMs,
}

/// A task and what its model is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// The task's facts.
    pub task: Task,
    /// The model's input.
    pub input: Value,
    /// Not to be started before; only of a bare publication, since whoever writes all headers sees to it.
    pub run_at: Option<EpochMs>,
}

/// A message that is no task. It has an identity all the same, so that it can become a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("task {task_id} cannot be read: {what}")]
pub struct Malformed {
    /// The header's, else the body's if that much can be read, else lane and sequence.
    pub task_id: TaskId,
    /// What is wrong, with the header or field it is wrong in.
    pub what: String,
}

/// Reads a task to run it.
///
/// # Errors
/// [`Malformed`] when the body or a header cannot be read.
pub fn read_task(arrival: &Arrival<'_>) -> Result<Incoming, Malformed> {
    let body = arrival.decode()?;
    let asked = if is_complete(arrival.headers) {
        None
    } else {
        Some(&body)
    };
    let task = read_envelope(&arrival.place(), arrival.headers, asked).map_err(|e| arrival.malformed(&e))?;
    let run_at = body.run_at.filter(|_| asked.is_some());
    Ok(Incoming {
        task,
        input: body.input,
        run_at,
    })
}

/// Reads a task to move it: the same task as [`read_task`], without decoding the body when the
/// headers say everything.
///
/// # Errors
/// [`Malformed`] when a header, or the body of a bare publication, cannot be read.
pub fn read_facts(arrival: &Arrival<'_>) -> Result<Task, Malformed> {
    let body = if is_complete(arrival.headers) {
        None
    } else {
        Some(arrival.decode()?)
    };
    read_envelope(&arrival.place(), arrival.headers, body.as_ref()).map_err(|e| arrival.malformed(&e))
}

/// What can be told of a task that cannot be read: enough for a dead letter. Its headers count
/// when all of them can be read; else only its identity and its route are known.
#[must_use]
pub fn salvage(arrival: &Arrival<'_>, malformed: &Malformed) -> Task {
    let place = Place {
        fallback: malformed.task_id.clone(),
        ..arrival.place()
    };
    read_envelope(&place, arrival.headers, None).unwrap_or_else(|_| bare_task(arrival, malformed))
}

fn bare_task(arrival: &Arrival<'_>, malformed: &Malformed) -> Task {
    let hop = arrival
        .headers
        .header(header::HOP)
        .and_then(|text| text.parse().ok());
    let fence = arrival
        .headers
        .header(header::FENCE)
        .and_then(|text| text.parse().ok());
    let tenant = arrival
        .headers
        .header(header::TENANT)
        .and_then(|text| TenantId::new(text).ok());
    Task {
        id: malformed.task_id.clone(),
        lane: arrival.route.lane,
        class: arrival.route.class.clone(),
        model: ModelName::from(&arrival.route.model),
        shard: arrival.route.shard,
        tenant: tenant.unwrap_or_else(TenantId::default_tenant),
        attempt: 0,
        hop: hop.unwrap_or(0),
        enqueued_at: arrival.stored_at,
        fence: fence.unwrap_or(0),
        facts: TaskFacts::default(),
    }
}

impl Arrival<'_> {
    fn place(&self) -> Place<'_> {
        Place {
            route: self.route,
            stored_at: self.stored_at,
            fallback: self.fallback(),
        }
    }

    fn fallback(&self) -> TaskId {
        match self.origin {
            Origin::Lane(sequence) => TaskId::of_publication(self.route.lane, sequence),
            Origin::Elsewhere(sequence) => TaskId::of_orphan(self.route.lane, sequence),
        }
    }

    fn decode(&self) -> Result<TaskBody, Malformed> {
        parse_body(self.headers.header(header::CONTENT_TYPE), self.body).map_err(|e| self.malformed(&e))
    }

    fn malformed(&self, error: &impl ToString) -> Malformed {
        let task_id = identity(self.headers, self.body).unwrap_or_else(|| self.fallback());
        Malformed {
            task_id,
            what: error.to_string(),
        }
    }
}

/// The identity somebody gave a message that may be broken.
pub(super) fn identity(headers: &dyn ReadHeaders, body: &[u8]) -> Option<TaskId> {
    let named = headers
        .header(header::TASK_ID)
        .and_then(|text| TaskId::new(text).ok());
    named.or_else(|| salvage_task_id(headers.header(header::CONTENT_TYPE), body))
}
