//! From the raw body of a submission to a task that can be published, or to the reason why not.

use bytes::Bytes;

use super::Refusal;
use crate::broker::Broker;
use crate::broker::publish::{Original, PublishError, Published};
use crate::policy::{Facts, Policy, Reach, begin, callback_url, classify};
use crate::task::{
    BlockedOn, ClassName, EpochMs, Lane, ModelName, Shard, State, Task, TaskFacts, TaskId, TenantId,
};
use crate::wire::{Blocked, Codec, TaskBody, parse_body};

/// What was asked for beside the body; each wins over the body's own field.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The lane; the caller clears it where the submitter may not choose.
    pub lane: Option<Lane>,
    /// The business scenario.
    pub class: Option<ClassName>,
    /// Who pays.
    pub tenant: Option<TenantId>,
    /// The identity.
    pub task_id: Option<TaskId>,
    /// Lower is more urgent.
    pub priority: Option<u32>,
    /// When the answer stops being worth having.
    pub deadline: Option<EpochMs>,
    /// Time to the first output and per idle gap, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Bound on executions that may fail.
    pub max_attempts: Option<u32>,
    /// Not to be started before.
    pub run_at: Option<EpochMs>,
}

/// What the place a submission comes in at holds it to.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The largest body, in bytes.
    pub body_max: usize,
    /// Which addresses a `callback_url` may spell out.
    pub reach: Reach,
}

/// A task that may be published. It is not accepted before its stream said so.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The task on its first hop.
    pub task: Task,
    /// Its body as it was sent, with its content type.
    pub original: Original,
    /// When it is to start; none: at once.
    pub run_at: Option<EpochMs>,
}

impl Admitted {
    /// What it is once that is done.
    #[must_use]
    pub const fn state(&self) -> State {
        match (self.run_at, self.task.facts.depends_on.is_empty()) {
            (Some(_), _) => State::Scheduled,
            (None, false) => State::Blocked,
            (None, true) => State::Queued,
        }
    }

    /// Publishes it to its lane, as a timer that leads there, or aside where it waits for others: what it waits for is not
    /// looked at here.
    ///
    /// # Errors
    /// As [`Broker::publish_task`].
    pub async fn publish(&self, broker: &Broker) -> Result<Published, PublishError> {
        match self.run_at {
            Some(at) => broker.publish_at(&self.task, at, &self.original, &[]).await,
            None if self.task.facts.depends_on.is_empty() => {
                broker.publish_task(&self.task, &self.original).await
            }
            None => {
                let blocked = Blocked {
                    task: self.task.clone(),
                    history: Vec::new(),
                    on: BlockedOn::Dependencies,
                };
                broker.publish_blocked(&blocked, &self.original).await
            }
        }
    }
}

/// Decides on one submission. `new_id` is asked only when neither caller nor body names the task.
///
/// # Errors
/// [`Refusal`] for the first thing that is wrong.
pub fn admit(
    policy: &Policy,
    body: Bytes,
    content_type: Option<&str>,
    asked: &Asked,
    now: EpochMs,
    new_id: impl FnOnce() -> TaskId,
    terms: Terms,
) -> Result<Admitted, Refusal> {
    if body.len() > terms.body_max {
        return Err(Refusal::TooLarge {
            bytes: body.len(),
            max: terms.body_max,
        });
    }
    let read = parse_body(content_type, &body).map_err(Refusal::Unreadable)?;
    let read = overridden(read, asked);
    check(policy, &read, terms.reach)?;
    let run_at = begin(read.run_at, read.deadline, now).map_err(Refusal::Begin)?;
    // What its lane depends on, how near its deadline is and how long it waits, counts from then.
    let starts = run_at.unwrap_or(now);
    let facts = Facts {
        class: read.class.as_ref(),
        priority: read.priority,
        lane: asked.lane,
        deadline: read.deadline,
        urgency: read.urgency_score,
        business_weight: read.business_weight,
    };
    let place = classify(policy, &facts, starts).map_err(Refusal::UnknownClass)?;
    let shards = policy.class(place.class.as_str()).map_or(1, |class| class.shards);
    let tenant = read.tenant.unwrap_or_else(TenantId::default_tenant);
    let codec = Codec::of(content_type, &body);
    Ok(Admitted {
        task: Task {
            id: read.task_id.unwrap_or_else(new_id),
            lane: place.lane,
            class: place.class,
            model: read.model,
            shard: Shard::of(&tenant, shards),
            tenant,
            attempt: 0,
            hop: 0,
            enqueued_at: starts,
            fence: 0,
            facts: TaskFacts {
                deadline: read.deadline,
                priority: read.priority,
                max_attempts: read.max_attempts,
                timeout_ms: read.timeout_ms,
                callback: read.callback_url,
                depends_on: read.depends_on,
                concurrency_key: read.concurrency_key,
                labels: read.labels,
                ..TaskFacts::default()
            },
        },
        original: Original::encoded(body, codec),
        run_at,
    })
}

fn overridden(read: TaskBody, asked: &Asked) -> TaskBody {
    TaskBody {
        task_id: asked.task_id.clone().or(read.task_id),
        class: asked.class.clone().or(read.class),
        tenant: asked.tenant.clone().or(read.tenant),
        priority: asked.priority.or(read.priority),
        deadline: asked.deadline.or(read.deadline),
        timeout_ms: asked.timeout_ms.or(read.timeout_ms),
        max_attempts: asked.max_attempts.or(read.max_attempts),
        run_at: asked.run_at.or(read.run_at),
        ..read
    }
}

fn check(policy: &Policy, read: &TaskBody, reach: Reach) -> Result<(), Refusal> {
    if policy.model(read.model.as_str()).is_none() {
        let known: Vec<ModelName> = policy.models.iter().map(|m| m.name.clone()).collect();
        let given = read.model.clone();
        return Err(Refusal::UnknownModel { given, known });
    }
    if let Some(url) = &read.callback_url {
        // What a name stands for is checked when the result is delivered: it changes.
        callback_url(url, reach).map_err(Refusal::CallbackUrl)?;
    }
    for (field, zero) in [
        ("timeout_ms", read.timeout_ms == Some(0)),
        ("max_attempts", read.max_attempts == Some(0)),
    ] {
        if zero {
            return Err(Refusal::Zero { field });
        }
    }
    Ok(())
}
