//! Tasks that have waited on their lane for longer than their class allows: moved, or ended as expired.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::Coordinator;
use super::audit::identify;
use super::bury::{Buried, fence};
use super::carry_out::EXPIRED;
use super::judge::bare;
use super::relocate::relocate;
use crate::broker::WriteError;
use crate::broker::queues::Queue;
use crate::broker::raw::Raw;
use crate::broker::sweep::Consumed;
use crate::clock;
use crate::failpoint;
use crate::policy::{MaxWait, WaitVerdict, waited};
use crate::task::{EpochMs, ErrorKind, EventKind, Lane, State, Task};
use crate::wire::{ResultError, TaskEvent};

/// How often queues are looked over; the least bound a class may have.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks until the coordinator stops, whenever it leads.
pub(super) async fn run(of: Arc<Coordinator>) {
    if of.policy.classes.iter().all(|class| class.max_wait.is_none()) {
        return;
    }
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => (),
            () = of.lifecycle.soft().cancelled() => return,
        }
        for lane in Lane::ALL.into_iter().filter(|_| of.leader.is_leading()) {
            if let Err(error) = look(&of, lane).await {
                tracing::warn!(%lane, %error, "tasks that wait were not looked over to the end; trying again");
            }
        }
    }
}

async fn look(of: &Coordinator, lane: Lane) -> Result<(), WriteError> {
    let queues = of.broker.queues(lane).await?;
    // Read behind the queues: one that is not held back any more was noted before it was let go.
    let resumes = of.broker.resumes().await?;
    for queue in queues {
        let class = of.policy.class(queue.route.class.as_str());
        // What somebody holds back waits because they want it to.
        if let Some(bound) = class.and_then(|class| class.max_wait)
            && queue.waiting > 0
            && !queue.is_paused
        {
            // What was held back until then has not waited.
            let covering = resumes
                .iter()
                .filter(|resumed| resumed.pause.covers(&queue.route));
            let resumed = covering.map(|resumed| resumed.since).max();
            look_over(of, &queue, bound, resumed.unwrap_or(EpochMs(0))).await?;
        }
    }
    Ok(())
}

async fn look_over(
    of: &Coordinator,
    queue: &Queue,
    bound: MaxWait,
    resumed: EpochMs,
) -> Result<(), WriteError> {
    for message in of.broker.waiting_behind(&queue.route, queue.delivered).await? {
        let now = clock::wall();
        // Later ones have waited for less.
        let since = message.stored_at.max(resumed);
        if now.since(since) <= bound.ms {
            break;
        }
        let (task, _) = identify(of, queue.route.lane, &message)?;
        match waited(&of.policy, &task, since, now) {
            WaitVerdict::Wait => (),
            WaitVerdict::Expire => expire(of, &task, &message).await?,
            WaitVerdict::Move { lane, hop } => go(of, &task, lane, hop, &message).await?,
        }
    }
    Ok(())
}

async fn go(of: &Coordinator, task: &Task, lane: Lane, hop: u32, message: &Raw) -> Result<(), WriteError> {
    let ms = clock::wall().since(message.stored_at);
    let why = format!("it waited for {ms} ms");
    let on = relocate(of, task, (lane, hop), message, &why).await?;
    tracing::info!(task.id = %task.id, from = %task.lane, to = %on, waited_ms = ms, "a task that waited for too long is moved");
    Ok(())
}

/// Its record first: a worker that takes it in between is refused.
async fn expire(of: &Coordinator, task: &Task, message: &Raw) -> Result<(), WriteError> {
    let now = clock::wall();
    let ms = now.since(message.stored_at);
    let report = bare(
        task.clone(),
        ErrorKind::Yielded,
        format!("it waited for {ms} ms, longer than its class allows"),
    );
    let error = ResultError {
        kind: EXPIRED.to_owned(),
        message: report.error.clone(),
    };
    let ended = fence(&of.broker, &report, State::Expired, error, now).await?;
    failpoint::hit("expire.after_fence");
    of.broker
        .remove(Consumed::Lane(task.lane), message.sequence)
        .await?;
    if ended == Buried::Done {
        of.metrics.expired(&task.class);
        let event = TaskEvent::of(task, EventKind::Expire, report.error);
        of.broker.tell(&task.class, &task.id, &event).await;
    }
    Ok(())
}
