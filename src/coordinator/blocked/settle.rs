//! How waiting ends: queued, dead, expired, or taken away. What lies aside is let go last, and each may be repeated.

use crate::broker::WriteError;
use crate::broker::blocking::Aside;
use crate::broker::fetch::decides;
use crate::broker::publish::{Original, PublishError, Published};
use crate::clock;
use crate::coordinator::Coordinator;
use crate::coordinator::bury::{Buried, dead, fence};
use crate::coordinator::carry_out::EXPIRED;
use crate::coordinator::judge::bare;
use crate::failpoint;
use crate::policy::is_expired;
use crate::task::{BlockedOn, DeadReason, ErrorKind, EventKind, Lane, State, Task, TaskId};
use crate::wire::{Report, ResultError, TaskEvent};

/// Queues a task that waited, on `lane`; where it is then. None where it has ended instead.
pub(super) async fn release(
    of: &Coordinator,
    id: &TaskId,
    lane: Lane,
) -> Result<Option<(Task, u64)>, WriteError> {
    let Some(found) = open(of, id).await? else {
        return Ok(None);
    };
    if is_expired(&found.blocked.task, clock::wall()) {
        expire_found(of, &found).await?;
        return Ok(None);
    }
    if found.blocked.on == BlockedOn::Key && found.blocked.task.hop >= of.policy().bounds.max_hops {
        let why = "it came back to wait for its concurrency_key too often";
        bury(of, &found, DeadReason::HopLimit, why).await?;
        return Ok(None);
    }
    let next = released(&found, lane);
    let published = of
        .broker
        .publish_hop(&next, &found.original, &found.blocked.history)
        .await;
    let sequence = match published {
        Ok(Published::Stored(sequence) | Published::Duplicate(sequence)) => sequence,
        // Others' headers have grown on it: it can never travel again.
        Err(PublishError::TooLarge { .. }) => {
            let why = "it does not fit into a message any more";
            bury(of, &found, DeadReason::Permanent, why).await?;
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    failpoint::hit("release.after_publish");
    of.broker.release(found.sequence).await?;
    failpoint::hit("release.after_removal");
    let detail = match found.blocked.on {
        BlockedOn::Dependencies => "what it depends on has completed",
        BlockedOn::Key => "its concurrency_key is free for it",
    };
    let event = TaskEvent::of(&next, EventKind::Release, detail);
    of.broker.tell(&next.class, &next.id, &event).await;
    Ok(Some((next, sequence)))
}

/// The task as it is queued. It depends on nothing any more: whoever receives it need not ask.
fn released(found: &Aside, lane: Lane) -> Task {
    let mut next = found.blocked.task.clone();
    next.lane = lane;
    next.hop = next.hop.saturating_add(1);
    if found.blocked.on == BlockedOn::Dependencies {
        next.facts.depends_on.clear();
    }
    next
}

/// Makes a dead letter of a task whose dependencies will never have completed.
pub(super) async fn fail(of: &Coordinator, id: &TaskId, why: &str) -> Result<(), WriteError> {
    match open(of, id).await? {
        Some(found) => bury(of, &found, DeadReason::DependencyFailed, why).await,
        None => Ok(()),
    }
}

/// Ends a task whose deadline passed while it waited.
pub(super) async fn expire(of: &Coordinator, id: &TaskId) -> Result<(), WriteError> {
    match open(of, id).await? {
        Some(found) => expire_found(of, &found).await,
        None => Ok(()),
    }
}

/// Takes away what lies aside of a task that has ended.
pub(super) async fn clear(of: &Coordinator, id: &TaskId) -> Result<(), WriteError> {
    open(of, id).await.map(drop)
}

/// The task as it waits. One that has ended is taken away.
async fn open(of: &Coordinator, id: &TaskId) -> Result<Option<Aside>, WriteError> {
    let Some(found) = of.broker.aside(id).await? else {
        return Ok(None);
    };
    let ended = of.broker.fence(id).await?;
    // One of its own that is half written is finished first: its record stands already.
    let is_own = |state| matches!(state, State::Dead | State::Expired);
    match ended.filter(|ended| decides(ended, found.blocked.task.fence)) {
        Some(ended) if is_own(ended.record.state) && ended.record.hop == found.blocked.task.hop => {
            finish(of, &found, ended.record.state).await?;
            Ok(None)
        }
        Some(_) => {
            of.broker.release(found.sequence).await?;
            Ok(None)
        }
        None => Ok(Some(found)),
    }
}

/// Writes what may be missing behind a record that a coordinator wrote before it died.
async fn finish(of: &Coordinator, found: &Aside, state: State) -> Result<(), WriteError> {
    if state != State::Dead {
        return expire_found(of, found).await;
    }
    // The letter says what the record says: the word of its error is the reason.
    let ended = of.broker.result(&found.blocked.task.id).await?;
    let error = ended.and_then(|ended| ended.record.error);
    let reason = error.as_ref().and_then(|error| error.kind.parse().ok());
    let why = error.as_ref().map_or("", |error| error.message.as_str());
    bury(of, found, reason.unwrap_or(DeadReason::DependencyFailed), why).await
}

async fn bury(of: &Coordinator, found: &Aside, reason: DeadReason, why: &str) -> Result<(), WriteError> {
    let report = report(found, ErrorKind::Permanent, why);
    let task = &report.task;
    let original: &Original = &found.original;
    let ended = dead(&of.broker, &report, reason, original, clock::wall()).await?;
    of.broker.release(found.sequence).await?;
    if ended == Buried::Done {
        of.metrics.dead_letter(&task.class, reason);
        let event = TaskEvent::of(task, EventKind::Dead, why);
        of.broker.tell(&task.class, &task.id, &event).await;
    }
    Ok(())
}

async fn expire_found(of: &Coordinator, found: &Aside) -> Result<(), WriteError> {
    let report = report(
        found,
        ErrorKind::Yielded,
        "its deadline passed while it waited for others",
    );
    let task = &report.task;
    let error = ResultError {
        kind: EXPIRED.to_owned(),
        message: report.error.clone(),
    };
    let ended = fence(&of.broker, &report, State::Expired, error, clock::wall()).await?;
    failpoint::hit("expire.after_fence");
    of.broker.release(found.sequence).await?;
    if ended == Buried::Done {
        of.metrics.expired(&task.class);
        let event = TaskEvent::of(task, EventKind::Expire, report.error.as_str());
        of.broker.tell(&task.class, &task.id, &event).await;
    }
    Ok(())
}

fn report(found: &Aside, kind: ErrorKind, why: &str) -> Report {
    let blocked = &found.blocked;
    Report {
        history: blocked.history.clone(),
        ..bare(blocked.task.clone(), kind, why.to_owned())
    }
}
