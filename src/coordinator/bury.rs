//! Writing a terminal record that is not a result, and what follows it.

use serde_json::{Value, json};

use crate::broker::publish::{Fenced, Original, PublishError};
use crate::broker::{Broker, WriteError};
use crate::failpoint;
use crate::task::{DeadReason, EpochMs, State};
use crate::wire::{Report, ResultError, ResultRecord};

/// What became of a terminal verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Buried {
    /// It is the task's record, and what follows is written.
    Done,
    /// Another record stands; this verdict is void.
    Decided,
}

/// Fence first, then the dead letter. Both may be repeated without harm.
pub(super) async fn dead(
    broker: &Broker,
    report: &Report,
    reason: DeadReason,
    original: &Original,
    at: EpochMs,
) -> Result<Buried, WriteError> {
    let error = ResultError {
        kind: reason.to_string(),
        message: report.error.clone(),
    };
    if fence(broker, report, State::Dead, error, at).await? == Buried::Decided {
        return Ok(Buried::Decided);
    }
    failpoint::hit("coordinator.after_fence");
    match broker.publish_dead(report, reason, original).await {
        Err(PublishError::TooLarge { .. }) => {
            broker.publish_dead(report, reason, &Original::left_out()).await?
        }
        stored => stored?,
    };
    failpoint::hit("coordinator.after_letter");
    tracing::info!(task.id = %report.task.id, reason = %reason, error = %report.error, "a task became a dead letter");
    Ok(Buried::Done)
}

/// Records a state for good, unless another record stands.
pub(super) async fn fence(
    broker: &Broker,
    report: &Report,
    state: State,
    error: ResultError,
    at: EpochMs,
) -> Result<Buried, WriteError> {
    let task = &report.task;
    let record = ResultRecord {
        policy: None,
        task_id: task.id.clone(),
        state,
        hop: task.hop,
        attempt: task.attempt,
        class: task.class.clone(),
        tenant: task.tenant.clone(),
        worker: report.worker.clone(),
        queued_ms: at.since(task.enqueued_at),
        exec_ms: report.exec_ms,
        output: Value::Null,
        usage: json!({}),
        error: Some(error),
    };
    let (state_stands, hop) = match broker.publish_result(&record, task.fence).await? {
        Fenced::First(_) => (state, task.hop),
        Fenced::Refused => match broker.fence(&task.id).await? {
            Some(found) => (found.record.state, found.record.hop),
            // Something stands that says no state this version knows: not ours, and nothing to deliver.
            None => return Ok(Buried::Decided),
        },
    };
    failpoint::hit("coordinator.after_record");
    // Whoever wrote the record may have died before it asked for the callback.
    if let Some(url) = &task.facts.callback {
        broker.publish_callback(&task.id, hop, url).await?;
    }
    // Its own record from an earlier try: what follows may still be missing.
    let own = state_stands == state && hop == task.hop;
    Ok(if own { Buried::Done } else { Buried::Decided })
}
