//! A task's facts as headers, so that nobody decodes a body to move a task.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::header::{self, Headers, ReadHeaders};
use super::{TaskBody, limit, text};
use crate::task::{EpochMs, ModelName, Route, Task, TaskFacts, TaskId, TenantId};

/// Every header of `task`. The content type and the history are the caller's to add.
#[must_use]
pub fn task_headers(task: &Task) -> Headers {
    let mut headers = Headers::default();
    headers.set(header::VERSION, "1");
    headers.set(header::TASK_ID, task.id.as_str());
    headers.set(header::CLASS, task.class.as_str());
    headers.set(header::MODEL, text::percent_encode(task.model.as_str()));
    headers.set(header::LANE, task.lane.as_str());
    headers.set(header::SHARD, task.shard.to_string());
    headers.set(header::TENANT, task.tenant.as_str());
    headers.set(header::ATTEMPT, task.attempt.to_string());
    headers.set(header::HOP, task.hop.to_string());
    headers.set(header::ENQUEUED_AT, task.enqueued_at.0.to_string());
    headers.set(header::FENCE, task.fence.to_string());
    set_facts(&mut headers, &task.facts);
    headers
}

fn set_facts(headers: &mut Headers, facts: &TaskFacts) {
    let ids: Vec<&str> = facts.depends_on.iter().map(TaskId::as_str).collect();
    for (name, value) in [
        (header::DEADLINE, facts.deadline.map(|at| at.0.to_string())),
        (header::PRIORITY, facts.priority.map(|n| n.to_string())),
        (header::COST, facts.cost.map(|cost| cost.to_string())),
        (header::MAX_ATTEMPTS, facts.max_attempts.map(|n| n.to_string())),
        (header::TIMEOUT_MS, facts.timeout_ms.map(|ms| ms.to_string())),
        (header::CALLBACK, facts.callback.clone()),
        (header::DEPENDS_ON, (!ids.is_empty()).then(|| ids.join(","))),
        (
            header::KEY,
            facts.concurrency_key.as_deref().map(text::percent_encode),
        ),
        (
            header::LABELS,
            (!facts.labels.is_empty()).then(|| limit::labels_json(&facts.labels)),
        ),
        (header::POLICY, facts.policy.map(|version| version.to_string())),
        (header::TRACEPARENT, facts.traceparent.clone()),
    ] {
        if let Some(value) = value {
            headers.set(name, value);
        }
    }
}

/// A header that does not say what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {what}")]
pub(super) struct HeaderError {
    name: &'static str,
    what: String,
}

/// Where a publication stood, for what its headers leave out.
pub(super) struct Place<'a> {
    pub(super) route: &'a Route,
    pub(super) stored_at: EpochMs,
    /// The identity if nobody gave one.
    pub(super) fallback: TaskId,
}

/// Whether the headers say everything, because all those that [`task_headers`] always writes
/// and a body could give are there. Then the body is not asked: a fact that is missing is absent.
pub(super) fn is_complete(headers: &dyn ReadHeaders) -> bool {
    [header::VERSION, header::TASK_ID, header::MODEL, header::TENANT]
        .iter()
        .all(|name| headers.header(name).is_some())
}

/// The task: header, else body, else default; lane, class, model token and shard are the route's.
pub(super) fn read_envelope(
    place: &Place<'_>,
    headers: &dyn ReadHeaders,
    body: Option<&TaskBody>,
) -> Result<Task, HeaderError> {
    let id =
        parsed(headers, header::TASK_ID, TaskId::from_str)?.or_else(|| body.and_then(|b| b.task_id.clone()));
    let tenant =
        parsed(headers, header::TENANT, TenantId::from_str)?.or_else(|| body.and_then(|b| b.tenant.clone()));
    Ok(Task {
        id: id.unwrap_or_else(|| place.fallback.clone()),
        lane: place.route.lane,
        class: place.route.class.clone(),
        model: model(place.route, headers, body)?,
        shard: place.route.shard,
        tenant: tenant.unwrap_or_else(TenantId::default_tenant),
        attempt: number(headers, header::ATTEMPT)?.unwrap_or(0),
        hop: number(headers, header::HOP)?.unwrap_or(0),
        enqueued_at: number(headers, header::ENQUEUED_AT)?.map_or(place.stored_at, EpochMs),
        fence: number(headers, header::FENCE)?.unwrap_or(0),
        facts: facts(headers, body)?,
    })
}

fn model(
    route: &Route,
    headers: &dyn ReadHeaders,
    body: Option<&TaskBody>,
) -> Result<ModelName, HeaderError> {
    let named = parsed(headers, header::MODEL, |name| {
        ModelName::new(&text::percent_decode(name))
    })?;
    let model = named
        .or_else(|| body.map(|b| b.model.clone()))
        .unwrap_or_else(|| ModelName::from(&route.model));
    if model.token() != route.model {
        let what = format!(
            "the model {model} travels as {}, but was published as {}",
            model.token(),
            route.model
        );
        return Err(HeaderError {
            name: header::MODEL,
            what,
        });
    }
    Ok(model)
}

fn facts(headers: &dyn ReadHeaders, body: Option<&TaskBody>) -> Result<TaskFacts, HeaderError> {
    let depends_on = parsed(headers, header::DEPENDS_ON, ids)?.or_else(|| body.map(|b| b.depends_on.clone()));
    let labels = parsed(headers, header::LABELS, labels)?.or_else(|| body.map(|b| b.labels.clone()));
    let callback = parsed(headers, header::CALLBACK, limit::callback)?;
    let key = parsed(headers, header::KEY, |key| limit::key(&text::percent_decode(key)))?;
    let cost = number(headers, header::COST)?.map(limit::cost).transpose();
    Ok(TaskFacts {
        deadline: number(headers, header::DEADLINE)?
            .map(EpochMs)
            .or_else(|| body.and_then(|b| b.deadline)),
        priority: number(headers, header::PRIORITY)?.or_else(|| body.and_then(|b| b.priority)),
        cost: cost.map_err(|e| HeaderError::new(header::COST, &e))?,
        max_attempts: number(headers, header::MAX_ATTEMPTS)?.or_else(|| body.and_then(|b| b.max_attempts)),
        timeout_ms: number(headers, header::TIMEOUT_MS)?.or_else(|| body.and_then(|b| b.timeout_ms)),
        callback: callback.or_else(|| body.and_then(|b| b.callback_url.clone())),
        depends_on: depends_on.unwrap_or_default(),
        concurrency_key: key.or_else(|| body.and_then(|b| b.concurrency_key.clone())),
        labels: labels.unwrap_or_default(),
        policy: number(headers, header::POLICY)?,
        traceparent: headers.header(header::TRACEPARENT).and_then(limit::traceparent),
    })
}

fn ids(text: &str) -> Result<Vec<TaskId>, String> {
    let ids: Result<Vec<TaskId>, _> = text.split(',').map(|id| TaskId::new(id.trim())).collect();
    limit::depends_on(ids.map_err(|e| e.to_string())?).map_err(|e| e.to_string())
}

fn labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    let labels = serde_json::from_str(text).map_err(|e| e.to_string())?;
    limit::labels(labels).map_err(|e| e.to_string())
}

fn number<T: FromStr<Err: ToString>>(
    headers: &dyn ReadHeaders,
    name: &'static str,
) -> Result<Option<T>, HeaderError> {
    parsed(headers, name, |text| text.trim().parse::<T>())
}

fn parsed<T, E: ToString>(
    headers: &dyn ReadHeaders,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, HeaderError> {
    headers
        .header(name)
        .map(parse)
        .transpose()
        .map_err(|e| HeaderError::new(name, &e))
}

impl HeaderError {
    fn new(name: &'static str, error: &impl ToString) -> Self {
        Self {
            name,
            what: error.to_string(),
        }
    }
}
