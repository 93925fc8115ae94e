//! What follows each kind of failure, and what no delay may do.

use expect_test::expect;
use proptest::prelude::*;

use super::fixture::{policy, task};
use super::*;
use crate::task::{DeadReason, EpochMs, ErrorKind, Lane, Task};

fn failed(task: &Task, kind: ErrorKind) -> Failed<'_> {
    Failed {
        task,
        kind,
        retry_after_ms: None,
        reported_at: EpochMs(1_000_000),
        timeouts: 0,
        in_budget: true,
    }
}

fn delay_ms(policy: &Policy, failed: &Failed<'_>) -> u64 {
    match verdict(policy, failed) {
        Verdict::Retry { at, .. } => at.since(failed.reported_at),
        other => panic!("{other:?}"),
    }
}

fn said(verdict: Verdict) -> String {
    match verdict {
        Verdict::Retry { at, attempt, hop } => format!("in {} as {attempt}/{hop}", at.0 - 1_000_000),
        Verdict::Demote { lane, hop } => format!("to {lane} as 0/{hop}"),
        Verdict::Park => "parked".to_owned(),
        Verdict::Dead { reason } => format!("dead {reason}"),
        Verdict::Expired => "expired".to_owned(),
        Verdict::Cancelled => "cancelled".to_owned(),
    }
}

#[test]
fn every_kind_has_its_verdict() {
    let mut policy = policy();
    policy.retry.rules.full_jitter = false;
    let mut table = String::new();
    for &kind in ErrorKind::ALL {
        for (attempt, hop) in [(0, 0), (2, 2), (1, 16)] {
            let task = task("t", attempt, hop);
            let said = said(verdict(&policy, &failed(&task, kind)));
            table.push_str(&format!("{kind} at {attempt}/{hop}: {said}\n"));
        }
    }
    expect![[r#"
        retryable at 0/0: in 1000 as 1/1
        retryable at 2/2: dead attempts_exhausted
        retryable at 1/16: dead hop_limit
        permanent at 0/0: dead permanent
        permanent at 2/2: dead permanent
        permanent at 1/16: dead permanent
        rate_limited at 0/0: in 1000 as 1/1
        rate_limited at 2/2: dead attempts_exhausted
        rate_limited at 1/16: dead hop_limit
        timeout at 0/0: in 1000 as 1/1
        timeout at 2/2: dead timeout
        timeout at 1/16: dead hop_limit
        malformed at 0/0: dead malformed
        malformed at 2/2: dead malformed
        malformed at 1/16: dead malformed
        suspected_poison at 0/0: dead poison
        suspected_poison at 2/2: dead poison
        suspected_poison at 1/16: dead poison
        cancelled at 0/0: cancelled
        cancelled at 2/2: cancelled
        cancelled at 1/16: cancelled
        yielded at 0/0: in 1000 as 0/1
        yielded at 2/2: in 4000 as 2/3
        yielded at 1/16: dead hop_limit
        no_model at 0/0: in 1000 as 1/1
        no_model at 2/2: dead attempts_exhausted
        no_model at 1/16: dead hop_limit
        result_too_large at 0/0: dead result_too_large
        result_too_large at 2/2: dead result_too_large
        result_too_large at 1/16: dead result_too_large
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_timeout_has_its_verdict_by_lane_rule_and_count() {
    let mut policy = policy();
    policy.retry.rules.full_jitter = false;
    let mut table = String::new();
    for on_timeout in [OnTimeout::Demote, OnTimeout::Archive, OnTimeout::Retry] {
        (policy.core.on_timeout, policy.normal.on_timeout) = (on_timeout, on_timeout);
        for lane in Lane::ALL {
            for (timeouts, attempt, hop) in [(1, 0, 0), (2, 1, 1), (9, 2, 2), (1, 0, 16)] {
                let task = Task {
                    lane,
                    ..task("t", attempt, hop)
                };
                let report = Failed {
                    timeouts,
                    ..failed(&task, ErrorKind::Timeout)
                };
                let said = said(verdict(&policy, &report));
                table.push_str(&format!(
                    "{on_timeout:?} {lane}, {timeouts}. timeout at {attempt}/{hop}: {said}\n"
                ));
            }
        }
    }
    expect![[r#"
        Demote core, 1. timeout at 0/0: to normal as 0/1
        Demote core, 2. timeout at 1/1: to normal as 0/2
        Demote core, 9. timeout at 2/2: to normal as 0/3
        Demote core, 1. timeout at 0/16: dead hop_limit
        Demote normal, 1. timeout at 0/0: in 1000 as 1/1
        Demote normal, 2. timeout at 1/1: dead timeout
        Demote normal, 9. timeout at 2/2: dead timeout
        Demote normal, 1. timeout at 0/16: dead hop_limit
        Archive core, 1. timeout at 0/0: parked
        Archive core, 2. timeout at 1/1: parked
        Archive core, 9. timeout at 2/2: parked
        Archive core, 1. timeout at 0/16: dead hop_limit
        Archive normal, 1. timeout at 0/0: parked
        Archive normal, 2. timeout at 1/1: dead timeout
        Archive normal, 9. timeout at 2/2: dead timeout
        Archive normal, 1. timeout at 0/16: dead hop_limit
        Retry core, 1. timeout at 0/0: in 1000 as 1/1
        Retry core, 2. timeout at 1/1: in 2000 as 2/2
        Retry core, 9. timeout at 2/2: dead timeout
        Retry core, 1. timeout at 0/16: dead hop_limit
        Retry normal, 1. timeout at 0/0: in 1000 as 1/1
        Retry normal, 2. timeout at 1/1: dead timeout
        Retry normal, 9. timeout at 2/2: dead timeout
        Retry normal, 1. timeout at 0/16: dead hop_limit
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_deadline_ends_what_would_be_tried_again_and_nothing_else() {
    let mut policy = policy();
    policy.retry.rules.full_jitter = false;
    let mut table = String::new();
    for &kind in ErrorKind::ALL {
        let mut task = task("t", 0, 0);
        // Passed; before the retry would run; after it.
        let told: Vec<String> = [0, 999, 1_001]
            .into_iter()
            .map(|ms| {
                task.facts.deadline = Some(EpochMs(1_000_000 + ms));
                said(verdict(&policy, &failed(&task, kind)))
            })
            .collect();
        table.push_str(&format!("{kind}: {}\n", told.join(", ")));
    }
    expect![[r#"
        retryable: expired, expired, in 1000 as 1/1
        permanent: dead permanent, dead permanent, dead permanent
        rate_limited: expired, expired, in 1000 as 1/1
        timeout: expired, expired, in 1000 as 1/1
        malformed: dead malformed, dead malformed, dead malformed
        suspected_poison: dead poison, dead poison, dead poison
        cancelled: cancelled, cancelled, cancelled
        yielded: expired, expired, in 1000 as 0/1
        no_model: expired, expired, in 1000 as 1/1
        result_too_large: dead result_too_large, dead result_too_large, dead result_too_large
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_class_and_a_kind_may_have_rules_of_their_own() {
    let mut policy = policy();
    let fixed = |ms, max_attempts| RetryRules {
        growth: Growth::Fixed(ms),
        full_jitter: false,
        max_attempts,
    };
    policy.retry.rules = fixed(100, 9);
    policy.retry.kinds = vec![(ErrorKind::RateLimited, fixed(200, 9))];
    let own = RetryTable {
        rules: fixed(300, 1),
        kinds: vec![(
            ErrorKind::NoModel,
            RetryRules {
                growth: Growth::List(vec![1, 20, 5]),
                ..fixed(0, 9)
            },
        )],
        budget_per_minute: None,
    };
    policy.classes[3].retry = Some(own);
    let mut table = String::new();
    for class in [2, 3] {
        for kind in [ErrorKind::Retryable, ErrorKind::RateLimited, ErrorKind::NoModel] {
            let told: Vec<String> = [0, 1, 4]
                .into_iter()
                .map(|attempt| {
                    let class = policy.classes[class].name.clone();
                    let task = Task {
                        class,
                        ..task("t", attempt, 0)
                    };
                    said(verdict(&policy, &failed(&task, kind)))
                })
                .collect();
            table.push_str(&format!(
                "{} {kind}: {}\n",
                policy.classes[class].name,
                told.join(", ")
            ));
        }
    }
    expect![[r#"
        metrics retryable: in 100 as 1/1, in 100 as 2/1, in 100 as 5/1
        metrics rate_limited: in 200 as 1/1, in 200 as 2/1, in 200 as 5/1
        metrics no_model: in 100 as 1/1, in 100 as 2/1, in 100 as 5/1
        backup retryable: dead attempts_exhausted, dead attempts_exhausted, dead attempts_exhausted
        backup rate_limited: dead attempts_exhausted, dead attempts_exhausted, dead attempts_exhausted
        backup no_model: in 1 as 1/1, in 20 as 2/1, in 5 as 5/1
    "#]]
    .assert_eq(&table);
}

#[test]
fn beyond_its_budget_a_class_waits_the_longest() {
    let (policy, task) = (policy(), task("t", 0, 0));
    let beyond = Failed {
        in_budget: false,
        ..failed(&task, ErrorKind::Retryable)
    };
    assert_eq!(delay_ms(&policy, &beyond), 60_000);
}

#[test]
fn the_task_s_own_bound_on_attempts_comes_first() {
    let mut own = task("t", 0, 0);
    own.facts.max_attempts = Some(1);
    let reason = DeadReason::AttemptsExhausted;
    assert_eq!(
        verdict(&policy(), &failed(&own, ErrorKind::Retryable)),
        Verdict::Dead { reason }
    );
    own.facts.max_attempts = Some(10);
    own.attempt = 8;
    assert!(matches!(
        verdict(&policy(), &failed(&own, ErrorKind::Retryable)),
        Verdict::Retry { attempt: 9, .. }
    ));
}

#[test]
fn counted_timeouts_end_a_task_before_its_attempts_do() {
    let task = task("t", 0, 0);
    let timed_out = |timeouts| {
        verdict(
            &policy(),
            &Failed {
                timeouts,
                ..failed(&task, ErrorKind::Timeout)
            },
        )
    };
    assert!(matches!(timed_out(1), Verdict::Retry { .. }));
    assert_eq!(
        timed_out(2),
        Verdict::Dead {
            reason: DeadReason::Timeout
        }
    );
    let other = Failed {
        timeouts: 9,
        ..failed(&task, ErrorKind::Retryable)
    };
    assert!(matches!(verdict(&policy(), &other), Verdict::Retry { .. }));
}

#[test]
fn the_engine_s_patience_is_the_least_delay() {
    let task = task("t", 0, 0);
    let asked = |ms| Failed {
        retry_after_ms: Some(ms),
        ..failed(&task, ErrorKind::RateLimited)
    };
    assert_eq!(delay_ms(&policy(), &asked(90_000)), 90_000);
    assert_eq!(
        delay_ms(&policy(), &asked(0)),
        delay_ms(&policy(), &failed(&task, ErrorKind::RateLimited))
    );
}

#[test]
fn a_seed_gives_the_published_delay() {
    let mut policy = policy();
    policy.retry.rules.max_attempts = 99;
    let delays: Vec<u64> = (0..6)
        .map(|n| delay_ms(&policy, &failed(&task("01JABC", n, n), ErrorKind::Retryable)))
        .collect();
    expect!["[820, 959, 2483, 1125, 4721, 9994]"].assert_eq(&format!("{delays:?}"));
}

proptest! {
    #[test]
    fn a_delay_is_within_its_bound_and_the_same_for_everyone(
        attempt in any::<u32>(),
        hop in any::<u32>(),
        base_ms in any::<u64>(),
        max_ms in any::<u64>(),
        factor in 1.0..1e6_f64,
        retry_after_ms in prop::option::of(any::<u64>()),
        full_jitter in any::<bool>(),
        fixed in any::<bool>(),
        id in "[a-z0-9]{1,20}",
    ) {
        let mut policy = policy();
        policy.bounds.max_hops = u32::MAX;
        let growth = if fixed { Growth::Fixed(base_ms.min(max_ms)) } else { Growth::Exponential { base_ms, factor, max_ms } };
        policy.retry.rules = RetryRules { growth, full_jitter, max_attempts: u32::MAX };
        let task = task(&id, attempt, hop);
        let report = Failed { retry_after_ms, ..failed(&task, ErrorKind::Retryable) };
        let first = verdict(&policy, &report);
        prop_assert_eq!(first, verdict(&policy, &report));
        if let Verdict::Retry { at, attempt: next, hop: next_hop } = first {
            let delay = at.since(report.reported_at);
            prop_assert!(delay <= max_ms.max(retry_after_ms.unwrap_or(0)));
            prop_assert!(at == report.reported_at.plus_ms(u64::MAX) || delay >= retry_after_ms.unwrap_or(0).min(86_400_000));
            prop_assert_eq!((next, next_hop), (attempt + 1, hop + 1));
        } else {
            prop_assert!(attempt >= u32::MAX - 1 || hop == u32::MAX);
        }
    }

    #[test]
    fn the_bound_never_falls_from_one_attempt_to_the_next(
        attempt in 0..u32::MAX - 3,
        base_ms in 1..100_000_u64,
        max_ms in 1..10_000_000_u64,
        factor in 1.0..1_000.0_f64,
    ) {
        let mut policy = policy();
        let growth = Growth::Exponential { base_ms, factor, max_ms };
        policy.retry.rules = RetryRules { growth, full_jitter: false, max_attempts: u32::MAX };
        let bound = |attempt| delay_ms(&policy, &failed(&task("t", attempt, 0), ErrorKind::Retryable));
        prop_assert!(bound(attempt) <= bound(attempt + 1));
    }
}
