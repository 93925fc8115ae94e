//! A task's facts, without its input: what moves, orders and bounds it.

use std::collections::BTreeMap;

use super::{ClassName, EpochMs, Lane, ModelName, Shard, TaskId, TenantId};

/// A task as it travels. The body stays bytes beside it: nobody decodes a body to move a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its identity.
    pub id: TaskId,
    /// The lane it is queued on.
    pub lane: Lane,
    /// Its business scenario.
    pub class: ClassName,
    /// The model that is to answer, by its real name.
    pub model: ModelName,
    /// The bucket of its tenant.
    pub shard: Shard,
    /// Who pays.
    pub tenant: TenantId,
    /// Executions that failed so far.
    pub attempt: u32,
    /// Publications after the first.
    pub hop: u32,
    /// When it was first enqueued; never rewritten.
    pub enqueued_at: EpochMs,
    /// The sequence its fence must still have on `fl.result.<id>`; 0 before any record.
    pub fence: u64,
    /// Everything optional.
    pub facts: TaskFacts,
}

impl Task {
    /// A task that is published for the first time, of the default tenant and without any optional
    /// fact.
    #[must_use]
    pub fn new(id: TaskId, lane: Lane, class: ClassName, model: ModelName, enqueued_at: EpochMs) -> Self {
        Self {
            id,
            lane,
            class,
            model,
            shard: Shard::Stable(0),
            tenant: TenantId::default_tenant(),
            attempt: 0,
            hop: 0,
            enqueued_at,
            fence: 0,
            facts: TaskFacts::default(),
        }
    }
}

/// The optional facts of a task; absent means that the policy decides.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskFacts {
    /// When the answer stops being worth having.
    pub deadline: Option<EpochMs>,
    /// Lower is more urgent.
    pub priority: Option<u32>,
    /// Estimated cost in units of 1 ms of one slot.
    pub cost: Option<f64>,
    /// Bound on executions that may fail.
    pub max_attempts: Option<u32>,
    /// Time to the first output and per idle gap, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Where to POST the result.
    pub callback: Option<String>,
    /// Tasks that must complete before this one.
    pub depends_on: Vec<TaskId>,
    /// Tasks of one key run one at a time.
    pub concurrency_key: Option<String>,
    /// Free text the caller attached.
    pub labels: BTreeMap<String, String>,
    /// The policy version it was classified by.
    pub policy: Option<u64>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}
