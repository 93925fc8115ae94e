//! Tasks that have waited on their lane for longer than their class allows, or than the rule between classes does: moved,
//! or ended as expired.

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
use crate::policy::{Class, Lifts, Policy, WaitVerdict, lift_after_ms, lifted, room, waited};
use crate::task::{EpochMs, ErrorKind, EventKind, Lane, State, Task};
use crate::wire::{ResultError, TaskEvent, read_history};

/// How often queues are looked over; the least bound a class may have.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks until the coordinator stops, whenever it leads.
pub(super) async fn run(of: Arc<Coordinator>) {
    let mut lifts = Lifts::default();
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => (),
            () = of.lifecycle.soft().cancelled() => return,
        }
        let policy = of.policy();
        if policy
            .classes
            .iter()
            .all(|class| bound_ms(&policy, class).is_none())
        {
            continue;
        }
        for lane in Lane::ALL.into_iter().filter(|_| of.leader.is_leading()) {
            if let Err(error) = look(&of, &policy, lane, &mut lifts).await {
                tracing::warn!(%lane, %error, "tasks that wait were not looked over to the end; trying again");
            }
        }
    }
}

/// Whether the rule between classes moves anything up.
fn lifts_any(policy: &Policy) -> bool {
    let mut classes = policy.classes.iter();
    classes.any(|class| lift_after_ms(policy, class).is_some())
}

/// The least wait after which anything is done about a task of `class`, in ms.
fn bound_ms(policy: &Policy, class: &Class) -> Option<u64> {
    let own = class.max_wait.map(|bound| bound.ms);
    own.into_iter().chain(lift_after_ms(policy, class)).min()
}

async fn look(of: &Coordinator, policy: &Policy, lane: Lane, lifts: &mut Lifts) -> Result<(), WriteError> {
    let queues = of.broker.queues(lane).await?;
    // Where there is nowhere to be moved up to, the class's own bound is all there is.
    let left = match lane.higher() {
        Some(higher) if lifts_any(policy) => {
            lifts.left(policy, room_on(of, policy, higher).await?, clock::wall())
        }
        _ => 0,
    };
    let mut late = Vec::new();
    // Read behind the queues: one that is not held back any more was noted before it was let go.
    let resumes = of.broker.resumes().await?;
    for queue in queues {
        let class = policy.class(queue.route.class.as_str());
        // What somebody holds back waits because they want it to.
        if let Some(bound_ms) = class.and_then(|class| bound_ms(policy, class))
            && queue.waiting > 0
            && !queue.is_paused
        {
            let covering = resumes
                .iter()
                .filter(|resumed| resumed.pause.covers(&queue.route));
            let resumed = covering.map(|resumed| resumed.since).max();
            let over = Over {
                policy,
                queue: &queue,
                bound_ms,
                resumed: resumed.unwrap_or(EpochMs(0)),
            };
            over.look(of, &mut late).await?;
        }
    }
    // The oldest first, in whichever queue.
    late.sort_by_key(|late| late.since);
    for Late {
        task, to, message, ..
    } in late.iter().take(usize::try_from(left).unwrap_or(usize::MAX))
    {
        lifts.take();
        go(of, task, to.0, to.1, message).await?;
    }
    Ok(())
}

/// Tasks the lane may take until it runs as many as it may.
async fn room_on(of: &Coordinator, policy: &Policy, lane: Lane) -> Result<u64, WriteError> {
    let queues = of.broker.queues(lane).await?;
    // What is held back does not run.
    let queues = queues.iter().filter(|queue| !queue.is_paused);
    let (out, waiting) = queues.fold((0, 0), |(out, waiting), queue| {
        (out + queue.out, waiting + queue.waiting)
    });
    Ok(room(policy, out, waiting))
}

/// A task that is to be lifted, as far as there is room.
struct Late {
    since: EpochMs,
    to: (Lane, u32),
    task: Task,
    message: Raw,
}

/// A queue in which somebody may have waited for too long.
struct Over<'a> {
    policy: &'a Policy,
    queue: &'a Queue,
    bound_ms: u64,
    /// What was held back until then has not waited.
    resumed: EpochMs,
}

impl Over<'_> {
    /// Acts on what has waited for longer than its class allows, and notes what the rule between classes lifts.
    async fn look(&self, of: &Coordinator, late: &mut Vec<Late>) -> Result<(), WriteError> {
        let (route, delivered) = (&self.queue.route, self.queue.delivered);
        for message in of.broker.waiting_behind(route, delivered).await? {
            let now = clock::wall();
            // Later ones have waited for less.
            let since = message.stored_at.max(self.resumed);
            if now.since(since) <= self.bound_ms {
                break;
            }
            let (task, _) = identify(of, route.lane, &message)?;
            match waited(self.policy, &task, since, now) {
                WaitVerdict::Wait => {
                    // What core has timed out before would only come back from there.
                    let history = read_history(&message.original.headers());
                    let is_too_long = history.iter().any(|entry| entry.kind == ErrorKind::Timeout);
                    let lifted = lifted(self.policy, &task, since, now);
                    if let (WaitVerdict::Move { lane, hop }, false) = (lifted, is_too_long) {
                        late.push(Late {
                            since,
                            to: (lane, hop),
                            task,
                            message,
                        });
                    }
                }
                WaitVerdict::Expire => expire(of, &task, &message).await?,
                WaitVerdict::Move { lane, hop } => go(of, &task, lane, hop, &message).await?,
            }
        }
        Ok(())
    }
}

async fn go(of: &Coordinator, task: &Task, lane: Lane, hop: u32, message: &Raw) -> Result<(), WriteError> {
    let ms = clock::wall().since(message.stored_at);
    let why = format!("it waited for {ms} ms");
    let (on, _) = relocate(of, task, (lane, hop), message, &why).await?;
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
