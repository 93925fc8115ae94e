//! Schedules: a firing whose time has come becomes a task, and the next one is set.
//!
//! The firing's own time is part of its task's id, so whoever fires it, and however often, it is one task. The next
//! timer is set after the tasks are published and before the firing is acked: a crash in between repeats both.

use super::Coordinator;
use super::judge::full_pause_ms;
use crate::broker::WriteError;
use crate::broker::delivery::Delivery;
use crate::broker::publish::{Original, PublishError, Published};
use crate::broker::records::{Claimed, RecordError};
use crate::broker::subject::{RecordKey, parse_firing_due};
use crate::clock;
use crate::failpoint;
use crate::policy::firings;
use crate::task::{EpochMs, Task};
use crate::wire::{Schedule, Submission, read_firing};

/// Publishes what a firing stands for, and sets the next one.
pub(super) async fn tick(of: &Coordinator, delivery: &Delivery) -> Result<(), WriteError> {
    let firing = read_firing(&delivery.original.body);
    let (Some(name), Some(firing)) = (parse_firing_due(&delivery.subject), firing) else {
        tracing::warn!(nats.subject = %delivery.subject, "no firing of a schedule; it is dropped");
        return Ok(());
    };
    let schedule = match of.broker.schedule(&name).await? {
        Some(found) if found.sequence == firing.revision && !found.record.is_paused => found.record,
        _ => {
            tracing::debug!(schedule = %name, "a firing of a schedule that is not so any more is dropped");
            return Ok(());
        }
    };
    let now = clock::wall();
    let decided = firings(&schedule.cron, schedule.missed, EpochMs(firing.at_ms), now);
    for at in &decided.run {
        fire(of, &schedule, *at, now).await?;
    }
    if decided.left_out > 0 {
        tracing::warn!(schedule = %name, left_out = decided.left_out, missed = schedule.missed.as_str(), "firings were missed");
    }
    failpoint::hit("coordinator.after_firing");
    match decided.next {
        Some(next) => of.broker.set_firing(&name, firing.revision, next).await?,
        None => tracing::info!(schedule = %name, "it has no further firing"),
    }
    Ok(())
}

/// Its record first, as a gateway does: it keeps the firing from running twice, and makes the task known there.
async fn fire(of: &Coordinator, schedule: &Schedule, at: EpochMs, now: EpochMs) -> Result<(), WriteError> {
    let task = match schedule.firing(at) {
        Ok(task) => task,
        Err(error) => {
            tracing::warn!(schedule = %schedule.name, %error, "it cannot be fired; give it a shorter name");
            return Ok(());
        }
    };
    let digest = format!("schedule {} {}", schedule.name, at.0);
    let submission = Submission::of(&task, digest).starting(None, now);
    let key = RecordKey::Task(task.id.clone());
    let revision = match of.broker.claim(&key, &submission).await.map_err(unrecorded)? {
        Claimed::First(revision) => revision,
        Claimed::Taken(first, _) if first.digest != submission.digest => {
            tracing::warn!(task.id = %task.id, "somebody else has used the id of a firing; it is left out");
            return Ok(());
        }
        Claimed::Taken(first, _) if first.is_confirmed() => return Ok(()),
        Claimed::Taken(_, revision) => {
            // Published before, perhaps, and long done: the server knows message ids for two minutes.
            let fence = of.broker.fence(&task.id).await?;
            if fence.is_some_and(|fence| fence.record.state.is_terminal()) {
                return Ok(());
            }
            revision
        }
    };
    let confirmed = publish(of, schedule, &task, now).await?;
    tracing::info!(schedule = %schedule.name, task.id = %task.id, "fired");
    let confirmed = match confirmed {
        Confirmed::OnLane(sequence) => submission.confirmed(sequence),
        Confirmed::Later(at, sequence) => submission.starting(Some(at), now).confirmed(sequence),
    };
    // Nothing depends on it: what it spares is a second publication, which the fence would catch.
    if let Err(error) = of.broker.amend(&key, &confirmed, revision).await {
        tracing::debug!(task.id = %task.id, %error, "a record was not completed");
    }
    Ok(())
}

enum Confirmed {
    OnLane(u64),
    Later(EpochMs, u64),
}

async fn publish(
    of: &Coordinator,
    schedule: &Schedule,
    task: &Task,
    now: EpochMs,
) -> Result<Confirmed, WriteError> {
    let original = Original::encoded(schedule.body.clone(), schedule.codec);
    match of.broker.publish_task(task, &original).await {
        Ok(Published::Stored(sequence) | Published::Duplicate(sequence)) => Ok(Confirmed::OnLane(sequence)),
        // It comes back to its lane as any delayed task does.
        Err(PublishError::Full { .. }) => {
            let later = now.plus_ms(full_pause_ms(0));
            let set = of.broker.publish_at(task, later, &original, &[]).await?;
            let (Published::Stored(sequence) | Published::Duplicate(sequence)) = set;
            Ok(Confirmed::Later(later, sequence))
        }
        Err(error) => Err(error.into()),
    }
}

fn unrecorded(error: RecordError) -> WriteError {
    match error {
        RecordError::Write(error) => error.into(),
        RecordError::Read(error) => error.into(),
    }
}
