//! A task's result: the record that decides its terminal state, and the answer.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::header::{self, Headers, ReadHeaders};
use super::{limit, text};
use crate::task::{ClassName, NameError, State, TaskId, TenantId};

/// What a worker or a verdict writes once per task.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultRecord {
    /// The task.
    pub task_id: TaskId,
    /// Its terminal state.
    pub state: State,
    /// The hop it ended on.
    pub hop: u32,
    /// Executions that failed before.
    pub attempt: u32,
    /// Its business scenario; `unknown` when a foreign worker left it out.
    pub class: ClassName,
    /// Who pays.
    pub tenant: TenantId,
    /// Who ran it.
    pub worker: String,
    /// From first enqueue to the start of the execution, in ms.
    pub queued_ms: u64,
    /// How long it ran, in ms.
    pub exec_ms: u64,
    /// The answer; `null` when there is none.
    pub output: Value,
    /// What it used, by the executor's own names: an object.
    pub usage: Value,
    /// What went wrong, unless it completed.
    pub error: Option<ResultError>,
    /// The stored policy that it ran under, if any.
    pub policy: Option<u64>,
}

/// Why there is no answer, for the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultError {
    /// An error kind or a dead letter's reason.
    pub kind: String,
    /// In words.
    #[serde(default)]
    pub message: String,
}

/// What the fence says: all that is needed to tell one's own record from another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The state it decided.
    pub state: State,
    /// The hop it was written on.
    pub hop: u32,
    /// Who wrote it, if it says so.
    pub worker: Option<String>,
}

/// A record that is no result.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableResult {
    /// The body is no JSON, or a field in it is wrong.
    #[error("the result's body cannot be read")]
    Body(#[source] serde_json::Error),
    /// A name is not one.
    #[error("the result cannot be read")]
    Name(#[from] NameError),
    /// Neither header nor body has a known state.
    #[error("the result has no state")]
    NoState,
}

/// Every header of a result.
#[must_use]
pub fn result_headers(record: &ResultRecord) -> Headers {
    let mut headers = Headers::default();
    headers.set(header::VERSION, "1");
    headers.set(header::STATE, record.state.as_str());
    headers.set(header::HOP, record.hop.to_string());
    headers.set(header::ATTEMPT, record.attempt.to_string());
    headers.set(header::CLASS, record.class.as_str());
    headers.set(header::TENANT, record.tenant.as_str());
    headers.set(
        header::WORKER,
        text::percent_encode(text::cut(&record.worker, limit::WORKER_BYTES)),
    );
    headers.set(header::QUEUED_MS, record.queued_ms.to_string());
    headers.set(header::EXEC_MS, record.exec_ms.to_string());
    headers.set(header::CONTENT_TYPE, "application/json");
    if let Some(policy) = record.policy {
        headers.set(header::POLICY, policy.to_string());
    }
    headers
}

#[derive(Serialize)]
struct BodyOut<'a> {
    task_id: &'a str,
    state: &'a str,
    output: &'a Value,
    usage: &'a Value,
    error: Option<&'a ResultError>,
    worker: &'a str,
    attempt: u32,
    queued_ms: u64,
    exec_ms: u64,
}

/// The body of a result, JSON.
#[must_use]
pub fn result_body(record: &ResultRecord) -> Vec<u8> {
    let none = Value::Object(Map::new());
    let body = BodyOut {
        task_id: record.task_id.as_str(),
        state: record.state.as_str(),
        output: &record.output,
        usage: if record.usage.is_object() {
            &record.usage
        } else {
            &none
        },
        error: record.error.as_ref(),
        worker: &record.worker,
        attempt: record.attempt,
        queued_ms: record.queued_ms,
        exec_ms: record.exec_ms,
    };
    // Values and text always have a JSON form.
    serde_json::to_vec(&body).unwrap_or_default()
}

#[derive(Deserialize)]
struct BodyIn {
    task_id: String,
    state: Option<String>,
    #[serde(default)]
    output: Value,
    usage: Option<Map<String, Value>>,
    error: Option<ResultError>,
    worker: Option<String>,
    attempt: Option<u32>,
    queued_ms: Option<u64>,
    exec_ms: Option<u64>,
}

/// Reads a result. Headers win over the body; of the headers only the state is needed.
///
/// # Errors
/// [`UnreadableResult`] when the body is no result or nothing says the state.
pub fn read_result(headers: &dyn ReadHeaders, body: &[u8]) -> Result<ResultRecord, UnreadableResult> {
    let body: BodyIn = serde_json::from_slice(body).map_err(UnreadableResult::Body)?;
    let number = |name| {
        headers
            .header(name)
            .and_then(|text| text.trim().parse::<u64>().ok())
    };
    let small = |name| number(name).and_then(|n| u32::try_from(n).ok());
    let state = headers
        .header(header::STATE)
        .or(body.state.as_deref())
        .and_then(State::parse);
    let worker = headers.header(header::WORKER).map(text::percent_decode);
    Ok(ResultRecord {
        task_id: TaskId::new(&body.task_id)?,
        state: state.ok_or(UnreadableResult::NoState)?,
        hop: small(header::HOP).unwrap_or(0),
        attempt: small(header::ATTEMPT).or(body.attempt).unwrap_or(0),
        class: ClassName::new(headers.header(header::CLASS).unwrap_or("unknown"))?,
        tenant: headers
            .header(header::TENANT)
            .map_or_else(|| Ok(TenantId::default_tenant()), TenantId::new)?,
        worker: worker.or(body.worker).unwrap_or_default(),
        queued_ms: number(header::QUEUED_MS).or(body.queued_ms).unwrap_or(0),
        exec_ms: number(header::EXEC_MS).or(body.exec_ms).unwrap_or(0),
        output: body.output,
        usage: Value::Object(body.usage.unwrap_or_default()),
        error: body.error,
        policy: number(header::POLICY),
    })
}

/// Reads the fence off a record's headers. `None` when they name no state this version knows.
#[must_use]
pub fn read_fence(headers: &dyn ReadHeaders) -> Option<Fence> {
    Some(Fence {
        state: headers.header(header::STATE).and_then(State::parse)?,
        hop: headers
            .header(header::HOP)
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0),
        worker: headers.header(header::WORKER).map(text::percent_decode),
    })
}
