//! A policy and a task for the tests of the verdicts.

use super::*;
use crate::scheduler::rules::{LookAhead, Rules};
use crate::task::{ClassName, EpochMs, Lane, ModelName, Shard, Task, TaskFacts, TaskId, TenantId};

/// Four classes, one model, two hours and weight 5 of marking, three attempts.
pub(super) fn policy() -> Policy {
    let class = |name, priority| Class {
        name: ClassName::new(name).unwrap(),
        priority,
        share: 1,
        max_concurrent: None,
        shards: 1,
        hand: 1,
        max_wait: None,
        on_dependency_failed: OnDependencyFailed::Dead,
        retry: None,
        slo_ms: None,
        rate: None,
        aging: None,
        lookahead: LookAhead::OFF,
    };
    let lane = |max_priority| LanePolicy {
        concurrency: 10,
        timeout_ms: 1_000,
        on_timeout: OnTimeout::Retry,
        on_overload: OnOverload::RejectLower,
        max_priority,
        ack_wait_ms: 10_000,
    };
    Policy {
        version: 1,
        scheduler: Rules::default(),
        core: lane(Some(2)),
        normal: lane(None),
        classes: vec![
            class("payment", 1),
            class("auth", 1),
            class("metrics", 3),
            class("backup", 5),
        ],
        default_class: ClassName::new("metrics").unwrap(),
        marking: Some(Marking {
            deadline_within_s: Some(7200),
            business_weight_over: Some(5.0),
            lane: Lane::Core,
        }),
        models: vec![Model {
            name: ModelName::new("m").unwrap(),
            executor: ExecutorKind::Simulate,
            cost_unit: CostUnit::Ms,
            cost_initial: 1.0,
            batch: None,
            rate: None,
        }],
        retry: retry(),
        bounds: Bounds {
            crash_limit: 5,
            max_timeouts: 2,
            max_hops: 16,
        },
        callbacks: CallbackRules {
            base_ms: 5000,
            factor: 3.0,
            max_ms: 3_600_000,
            max_attempts: 12,
            timeout_ms: 10_000,
        },
        overload: OverloadRules::default(),
        keys: KeyRules {
            lease_s: 10,
            limit: 1,
            prefixes: vec![("gpu:".to_owned(), 2)],
        },
    }
}

/// From one second to a minute, three attempts.
fn retry() -> RetryTable {
    RetryTable {
        rules: RetryRules {
            growth: Growth::Exponential {
                base_ms: 1_000,
                factor: 2.0,
                max_ms: 60_000,
            },
            full_jitter: true,
            max_attempts: 3,
        },
        kinds: Vec::new(),
        budget_per_minute: None,
    }
}

/// A task that failed `attempt` times and was published `hop` times again.
pub(super) fn task(id: &str, attempt: u32, hop: u32) -> Task {
    Task {
        id: TaskId::new(id).unwrap(),
        lane: Lane::Normal,
        class: ClassName::new("metrics").unwrap(),
        model: ModelName::new("m").unwrap(),
        shard: Shard::Stable(0),
        tenant: TenantId::new("t").unwrap(),
        attempt,
        hop,
        enqueued_at: EpochMs(0),
        fence: 0,
        facts: TaskFacts::default(),
    }
}
