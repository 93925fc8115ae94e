//! The default document means what is documented, and so does what is absent.

use super::*;
use crate::policy::{
    BatchWindow, Bounds, CostUnit, ExecutorKind, Growth, LanePolicy, Marking, OnOverload, OnTimeout,
    RetryRules, RetryTable,
};
use crate::scheduler::rules::Rules;
use crate::task::{ErrorKind, Lane};

/// The least that stands.
const LEAST: &str = "
version: 1
classes:
  a: { priority: 1, share: 1 }
default_class: a
models:
  m: { executor: simulate }
";

#[test]
fn the_default_document_means_the_documented_values() {
    let policy = default_policy();
    assert_eq!(policy.version, 1);
    assert_eq!(policy.scheduler, Rules::default());
    let core = LanePolicy {
        concurrency: 100,
        timeout_ms: 3000,
        on_timeout: OnTimeout::Demote,
        on_overload: OnOverload::RejectLower,
        max_priority: Some(2),
        ack_wait_ms: 10_000,
    };
    assert_eq!(policy.core, core);
    let archive = OnOverload::Archive;
    let normal = LanePolicy {
        concurrency: 20,
        timeout_ms: 10_000,
        on_overload: archive,
        max_priority: None,
        ..core
    };
    assert_eq!(policy.normal, normal);
    let retry = RetryTable {
        rules: RetryRules {
            growth: Growth::Exponential {
                base_ms: 1000,
                factor: 2.0,
                max_ms: 60_000,
            },
            full_jitter: true,
            max_attempts: 3,
        },
        kinds: Vec::new(),
        budget_per_minute: None,
    };
    assert_eq!(policy.retry, retry);
    assert_eq!(
        policy.bounds,
        Bounds {
            crash_limit: 5,
            max_timeouts: 2,
            max_hops: 16
        }
    );
}

#[test]
fn the_default_document_names_the_documented_classes_and_model() {
    let policy = default_policy();
    let classes: Vec<_> = policy
        .classes
        .iter()
        .map(|c| (c.name.as_str(), c.priority, c.share))
        .collect();
    let expected = [
        ("payment_processing", 1, 40),
        ("user_auth", 1, 30),
        ("metrics_ingestion", 3, 20),
        ("daily_backup", 5, 10),
    ];
    assert_eq!(classes, expected);
    assert!(
        policy
            .classes
            .iter()
            .all(|c| c.shards == 1 && c.max_concurrent.is_none())
    );
    assert_eq!(policy.default_class.as_str(), "metrics_ingestion");
    let marking = Marking {
        deadline_within_s: Some(7200),
        business_weight_over: Some(5.0),
        lane: Lane::Core,
    };
    assert_eq!(policy.marking, Some(marking));
    let [model] = policy.models.as_slice() else {
        panic!("one model")
    };
    assert_eq!(
        (model.name.as_str(), &model.executor),
        ("all-MiniLM-L6-v2", &ExecutorKind::Embed)
    );
    assert_eq!((model.cost_unit, model.cost_initial), (CostUnit::Ms, 20.0));
    assert_eq!(
        model.batch,
        Some(BatchWindow {
            window_ms: 10,
            size_max: 32,
            tokens_max: Some(8192),
        })
    );
}

#[test]
fn what_is_absent_is_as_in_the_default_document() {
    let (least, default) = (parse_policy("p.yaml", LEAST).unwrap(), default_policy());
    assert_eq!(
        (least.core, least.normal, least.scheduler),
        (default.core, default.normal, default.scheduler)
    );
    assert_eq!(
        (least.retry, least.bounds, least.marking),
        (default.retry, default.bounds, default.marking)
    );
    assert_eq!(
        (least.models[0].cost_initial, least.models[0].batch),
        (20.0, None)
    );
}

#[test]
fn null_turns_off_what_is_optional() {
    let more = "marking: null\nlanes: { core: { max_priority: null } }\n";
    let policy = parse_policy("p.yaml", &format!("{LEAST}{more}")).unwrap();
    assert_eq!((policy.marking, policy.core.max_priority), (None, None));
    let one = parse_policy("p.yaml", &format!("{LEAST}marking: {{ deadline_within_s: 60 }}")).unwrap();
    let marking = Marking {
        deadline_within_s: Some(60),
        business_weight_over: None,
        lane: Lane::Core,
    };
    assert_eq!(one.marking, Some(marking));
}

#[test]
fn a_class_takes_from_the_document_s_retry_what_it_does_not_give() {
    let yaml = "
version: 1
retry:
  kind: list
  delays_ms: [1, 20, 300]
  jitter: none
  budget_per_minute: 600
  on: { timeout: { kind: fixed, base_ms: 7 }, no_model: { max_attempts: 9 } }
classes:
  a: { priority: 1, share: 1, retry: { max_attempts: 5, on: { no_model: { jitter: full } } } }
  b: { priority: 1, share: 1 }
default_class: a
models:
  m: { executor: simulate }
";
    let policy = parse_policy("p.yaml", yaml).unwrap();
    let list = RetryRules {
        growth: Growth::List(vec![1, 20, 300]),
        full_jitter: false,
        max_attempts: 5,
    };
    let timeout = RetryRules {
        growth: Growth::Fixed(7),
        full_jitter: false,
        max_attempts: 3,
    };
    let own = policy.classes[0].retry.as_ref().unwrap();
    assert_eq!(own.of(ErrorKind::Retryable), &list);
    assert_eq!(own.of(ErrorKind::Timeout), &timeout);
    let no_model = RetryRules {
        full_jitter: true,
        ..list
    };
    assert_eq!(own.of(ErrorKind::NoModel), &no_model);
    assert_eq!(own.budget_per_minute, Some(600));
    assert_eq!(policy.classes[1].retry, None);
    assert_eq!(policy.retry.of(ErrorKind::NoModel).max_attempts, 9);
}
