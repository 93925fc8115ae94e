//! What holds is told with its value, its unit and where it comes from.

use expect_test::{Expect, expect};

use super::*;

const LEAST: &str = "version: 1
default_class: a
retry:
  max_attempts: 7
classes:
  b: { priority: 1, share: 1, retry: { base_ms: 5 }, aging: {} }
  a: { priority: 1, share: 3, rate: { per_s: 52.5 } }
models:
  \"x/y\": { executor: process, process: { command: [python3, h.py] }, batch: null }
";

fn check(yaml: &str, wanted: &str, expected: Expect) {
    let told = explain("p.yaml", yaml).unwrap();
    let lines = told.iter().filter(|one| one.path.starts_with(wanted));
    let lines: Vec<String> = lines
        .map(|one| format!("{}: {} ({})", one.path, one.value_in_words(), one.origin))
        .collect();
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn what_the_document_says_comes_first_and_in_its_order() {
    let told = explain("p.yaml", LEAST).unwrap();
    let lines: Vec<String> = told
        .iter()
        .take_while(|one| matches!(one.origin, Origin::Document { .. }))
        .map(|one| format!("{} {}", one.origin, one.path))
        .collect();
    expect![[r#"
        line 1 version
        line 2 default_class
        line 4 retry.max_attempts
        line 6 classes.b.priority
        line 6 classes.b.share
        line 6 classes.b.retry.base_ms
        line 7 classes.a.priority
        line 7 classes.a.share
        line 7 classes.a.rate.per_s
        line 9 models."x/y".executor
        line 9 models."x/y".process.command
        line 9 models."x/y".batch"#]]
    .assert_eq(&lines.join("\n"));
    let rest = told.iter().skip(lines.len());
    assert!(rest.clone().count() > 100);
    assert!(
        rest.clone()
            .all(|one| !matches!(one.origin, Origin::Document { .. }))
    );
}

#[test]
fn a_class_has_what_it_says_what_it_takes_from_elsewhere_and_defaults() {
    check(
        LEAST,
        "classes.b.",
        expect![[r#"
            classes.b.priority: 1 (line 6)
            classes.b.share: 1 (line 6)
            classes.b.retry.base_ms: 5 ms (line 6)
            classes.b.max_concurrent: none (default)
            classes.b.shards: 1 (default)
            classes.b.hand: 1 (default)
            classes.b.max_wait_ms: none (default)
            classes.b.on_max_wait: none (default)
            classes.b.on_dependency_failed: dead (default)
            classes.b.retry.kind: exponential (as retry.kind)
            classes.b.retry.factor: 2 (as retry.factor)
            classes.b.retry.max_ms: 60000 ms (as retry.max_ms)
            classes.b.retry.jitter: full (as retry.jitter)
            classes.b.retry.max_attempts: 7 (as retry.max_attempts)
            classes.b.retry.budget_per_minute: none (as retry.budget_per_minute)
            classes.b.retry.on.retryable: the same (as classes.b.retry)
            classes.b.retry.on.rate_limited: the same (as classes.b.retry)
            classes.b.retry.on.timeout: the same (as classes.b.retry)
            classes.b.retry.on.no_model: the same (as classes.b.retry)
            classes.b.retry.on.yielded: the same (as classes.b.retry)
            classes.b.slo_ms: none (default)
            classes.b.aging.base: 1 (as classes.b.share)
            classes.b.aging.alpha: 0.1 per s (default)
            classes.b.lookahead.order: fifo (default)
            classes.b.lookahead.alpha: 0.1 per s (default)
            classes.b.lookahead.window: 1 task (default)
            classes.b.lookahead.bypass_max: 32 picks (default)
            classes.b.rate: none (default)"#]],
    );
    check(
        LEAST,
        "classes.a.r",
        expect![[r#"
            classes.a.rate.per_s: 52.5 tasks per s (line 7)
            classes.a.retry: the same (as retry)
            classes.a.rate.burst: 11 tasks (default)"#]],
    );
}

#[test]
fn units_and_lists_are_told_and_what_is_off_is_none() {
    check(
        LEAST,
        "models.",
        expect![[r#"
        models."x/y".executor: process (line 9)
        models."x/y".process.command: [python3, h.py] (line 9)
        models."x/y".batch: none (line 9)
        models."x/y".process.processes: none (default)
        models."x/y".process.memory_mb_max: none (default)
        models."x/y".process.start_ms_max: 60000 ms (default)
        models."x/y".process.tasks_max: none (default)
        models."x/y".cost.unit: ms (default)
        models."x/y".cost.initial: 20 ms of one slot (default)
        models."x/y".rate: none (default)"#]],
    );
    check(
        LEAST,
        "overload.",
        expect![[r#"
        overload.wait_s: [30, 60, 3600] s (default)
        overload.full: [0.5, 0.7, 0.9] (default)
        overload.retry_full: 0.2 (default)
        overload.storage_bytes: none (default)
        overload.leave_at: 0.7 (default)
        overload.depth_min: 100 tasks (default)
        overload.hold_s: 5 s (default)
        overload.no_workers: 0 (default)
        overload.archive_drain_per_s: 500 tasks per s (default)
        overload.infeasible: refuse_certain (default)"#]],
    );
    check(
        &format!("{LEAST}marking: null\n"),
        "marking",
        expect!["marking: none (line 10)"],
    );
    check(
        LEAST,
        "marking",
        expect![[r#"
        marking.deadline_within_s: 7200 s (default)
        marking.business_weight_over: 5 (default)
        marking.lane: core (default)"#]],
    );
}

#[test]
fn a_kind_of_failure_that_the_document_names_holds_for_a_class_that_does_not() {
    let yaml = LEAST.replace("retry:\n", "retry:\n  on: { timeout: { kind: fixed } }\n");
    check(
        &yaml,
        "retry.on.",
        expect![[r#"
            retry.on.timeout.kind: fixed (line 4)
            retry.on.retryable: the same (as retry)
            retry.on.rate_limited: the same (as retry)
            retry.on.timeout.base_ms: 1000 ms (as retry.base_ms)
            retry.on.timeout.factor: 2 (as retry.factor)
            retry.on.timeout.max_ms: 60000 ms (as retry.max_ms)
            retry.on.timeout.jitter: full (as retry.jitter)
            retry.on.timeout.max_attempts: 7 (as retry.max_attempts)
            retry.on.no_model: the same (as retry)
            retry.on.yielded: the same (as retry)"#]],
    );
    check(
        &yaml,
        "classes.b.retry.on",
        expect![[r#"
            classes.b.retry.on.retryable: the same (as classes.b.retry)
            classes.b.retry.on.rate_limited: the same (as classes.b.retry)
            classes.b.retry.on.timeout: the same (as retry.on.timeout)
            classes.b.retry.on.no_model: the same (as classes.b.retry)
            classes.b.retry.on.yielded: the same (as classes.b.retry)"#]],
    );
}

#[test]
fn every_option_is_told_with_what_it_is() {
    let told = explain("default.yaml", DEFAULT_POLICY_YAML).unwrap();
    for one in &told {
        assert!(!one.what.is_empty(), "{}", one.path);
    }
    let first = serde_json::to_string(&told[1]).unwrap();
    expect![[r#"{"path":"scheduler.between","value":"weighted","unit":null,"origin":{"from":"document","line":10},"what":"Rule between classes; docs/policy.md says which one when."}"#]].assert_eq(&first);
}

#[test]
fn faults_are_those_of_the_reader() {
    let yaml = "version: 2\n";
    let faults = parse_policy("p.yaml", yaml).unwrap_err();
    assert_eq!(explain("p.yaml", yaml).unwrap_err(), faults);
}

/// Faults of what a class takes from the document are told of the document alone.
#[test]
fn a_class_without_a_retry_of_its_own_repeats_no_fault_of_the_documents() {
    let class = "classes: { a: { priority: 1, share: 1 } }\ndefault_class: a\nmodels: { m: { executor: simulate } }\n";
    let told = |retry: &str| {
        let yaml = format!("version: 1\n{class}retry: {retry}\n");
        parse_policy("p.yaml", &yaml).unwrap_err().to_string()
    };
    expect!["p.yaml:5:33: retry.max_ms: is 10, below base_ms; give at least 1000, or a lower base_ms"]
        .assert_eq(&told("{ base_ms: 1000, max_ms: 10 }"));
    expect![
        "p.yaml:5:8: retry.delays_ms: is missing; give a list of 1 to 64 whole numbers from 0 to 604800000"
    ]
    .assert_eq(&told("{ kind: list }"));
    expect![
        "p.yaml:5:8: retry.delays_ms: is missing; give a list of 1 to 64 whole numbers from 0 to 604800000"
    ]
    .assert_eq(&told("{ kind: list, on: { timeout: { kind: fixed } } }"));
}
