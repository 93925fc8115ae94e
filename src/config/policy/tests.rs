//! Faulty documents and what is said about them.

use expect_test::{Expect, expect};

use super::*;

/// The least that stands.
const LEAST: &str = "
version: 1
classes:
  a: { priority: 1, share: 1 }
default_class: a
models:
  m: { executor: simulate }
";

fn check(yaml: &str, expected: Expect) {
    let shown = match parse_policy("p.yaml", yaml) {
        Ok(_) => "stands".to_owned(),
        Err(faults) => faults.to_string(),
    };
    expected.assert_eq(&shown);
}

fn check_least_and(more: &str, expected: Expect) {
    check(&format!("{LEAST}{more}"), expected);
}

#[test]
fn every_fault_is_told_with_its_place() {
    let yaml = "
version: 1
scheduler: { between: weighted, quantum: fifty }
lanes:
  core: { concurency: 100, timeout_ms: [3000] }
classes:
  a: { priority: 1, share: '40', shard: 2 }
default_class: a
models:
  m: { executor: simulate }
";
    check(
        yaml,
        expect![[r#"
            p.yaml:3:42: scheduler.quantum: is the text "fifty"; give a number from 0.001 to 1000000000
            p.yaml:5:11: lanes.core.concurency: is no key here; did you mean concurrency?
            p.yaml:5:40: lanes.core.timeout_ms: is a list; give a whole number from 1 to 86400000
            p.yaml:7:28: classes.a.share: is the text "40"; give a whole number from 1 to 1000000
            p.yaml:7:34: classes.a.shard: is no key here; did you mean share?"#]],
    );
}

#[test]
fn text_that_is_no_policy_is_refused_whole() {
    check(
        "",
        expect!["p.yaml:1:1: document: is empty; give a mapping of keys to values"],
    );
    check(
        "- a",
        expect!["p.yaml:1:1: document: is a list; give a mapping of keys to values"],
    );
    check(
        "a: [1",
        expect!["p.yaml:1:4: document: cannot be read as YAML: unclosed bracket '['"],
    );
    check(
        "a: 1\n---\nb: 2\n",
        expect!["p.yaml:3:1: document: begins a second document; keep one"],
    );
    check(
        "? [a]\n: 1\n",
        expect!["p.yaml:1:3: document: cannot be read as YAML: expected string scalar"],
    );
    check(
        &format!("# {}", "x".repeat(1 << 20)),
        expect!["p.yaml:1:1: document: has 1048578 bytes; at most 1048576 are read"],
    );
    check(
        &format!("{}{}", "[".repeat(100), "]".repeat(100)),
        expect!["p.yaml:1:17: document: is nested deeper than 16 levels; no policy is"],
    );
    check(
        &"[".repeat(100),
        expect!["p.yaml:1:100: document: cannot be read as YAML: unclosed bracket '['"],
    );
}

#[test]
fn a_document_that_grows_as_it_is_read_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..8 {
        let list = vec![format!("*a{}", i - 1); 10].join(", ");
        bomb.push_str(&format!("a{i}: &a{i} [{list}]\n"));
    }
    check(
        &bomb,
        expect![
            "p.yaml:4:45: document: cannot be read as YAML: alias replay limit exceeded: total_replayed_events=10001 > 10000"
        ],
    );
}

#[test]
fn keys_and_names_are_checked() {
    check_least_and(
        "clases: {}\ncolor: red\n",
        expect![[r#"
            p.yaml:8:1: clases: is no key here; did you mean classes?
            p.yaml:9:1: color: is no key here; the keys are version, scheduler, lanes, retry, classes, default_class, marking, models, bounds, callbacks, overload, keys"#]],
    );
    check_least_and(
        "version: 1\n",
        expect!["p.yaml:8:1: version: is given twice; keep one, the first stands in line 2"],
    );
    check_least_and(
        "retry: { <<: { base_ms: 1 } }\n",
        expect![[
            r#"p.yaml:8:10: retry."<<": is no key here; the keys are kind, base_ms, factor, max_ms, jitter, max_attempts, delays_ms, budget_per_minute, on"#
        ]],
    );
    check(
        "version: 1",
        expect![[r#"
            p.yaml:1:1: classes: has no class; give at least one: NAME: { priority: 1, share: 1 }
            p.yaml:1:1: default_class: is missing; give one of the classes
            p.yaml:1:1: models: has no model; give at least one: NAME: { executor: embed }"#]],
    );
    check(
        "version: 2\nclasses: {}\nmodels: {}\ndefault_class: b\n",
        expect![[r#"
            p.yaml:1:10: version: is 2; give 1
            p.yaml:2:10: classes: has no class; give at least one: NAME: { priority: 1, share: 1 }
            p.yaml:3:9: models: has no model; give at least one: NAME: { executor: embed }
            p.yaml:4:16: default_class: is "b", which is no class; give one of the classes"#]],
    );
    check(
        "
version: 1
classes:
  a.b: { priority: 1, share: 1 }
  c:
  d: { priority: 1, share: 1, rate: 1, result_ttl: 1, events: full }
default_class: e
models:
  \"\": { executor: simulate }
  x/y: { executor: simulate }
  x_y-bd3c9047: { executor: gpu }
",
        expect![[r#"
            p.yaml:4:3: classes."a.b": is no class name: class has '.' at byte 1; only A-Z a-z 0-9 _ - are allowed
            p.yaml:5:4: classes.c: is empty; give a mapping of keys to values
            p.yaml:6:37: classes.d.rate: is 1; give a mapping of keys to values
            p.yaml:6:40: classes.d.result_ttl: is not supported in this version; leave it out
            p.yaml:6:55: classes.d.events: is not supported in this version; leave it out
            p.yaml:7:16: default_class: is "e", which is no class; give one of c, d
            p.yaml:9:3: models."": is no model name: model is empty; give 1 to 160 of A-Z a-z 0-9 _ -
            p.yaml:11:3: models.x_y-bd3c9047: travels as x_y-bd3c9047, like "x/y"; rename one of the two
            p.yaml:11:29: models.x_y-bd3c9047.executor: is the text "gpu"; give embed, process or simulate"#]],
    );
}

#[test]
fn values_are_checked() {
    check_least_and(
        "scheduler: { between: drr, quantum: 0 }\n",
        expect![[r#"
            p.yaml:8:23: scheduler.between: is the text "drr"; give weighted, fifo, strict, edf, aging, score or mlfq
            p.yaml:8:37: scheduler.quantum: is 0; give a number from 0.001 to 1000000000"#]],
    );
    check_least_and(
        "scheduler: { quantum: .nan }\n",
        expect!["p.yaml:8:23: scheduler.quantum: is NaN; give a number from 0.001 to 1000000000"],
    );
    check_least_and(
        "lanes: { normal: { max_priority: 3, ack_wait_ms: 999, timeout_ms: 0 } }\n",
        expect![[r#"
        p.yaml:8:34: lanes.normal.max_priority: is for core alone, leave it out; classes above core's max_priority go to normal
        p.yaml:8:50: lanes.normal.ack_wait_ms: is 999; give a whole number from 1000 to 3600000
        p.yaml:8:67: lanes.normal.timeout_ms: is 0; give a whole number from 1 to 86400000"#]],
    );
    check_least_and(
        "lanes:\n",
        expect!["p.yaml:8:6: lanes: is empty; give a mapping of keys to values"],
    );
    check_least_and(
        "marking: { lane: normal }\n",
        expect![
            "p.yaml:8:10: marking: marks nothing; give deadline_within_s or business_weight_over, or null for no marking"
        ],
    );
    check_least_and(
        "marking: { deadline_within_s: 0, lane: low }\n",
        expect![[r#"
        p.yaml:8:31: marking.deadline_within_s: is 0; give a whole number from 1 to 31536000
        p.yaml:8:40: marking.lane: is the text "low"; give core or normal"#]],
    );
    check_least_and(
        "retry: { base_ms: 1000, max_ms: 10, factor: 0.5, jitter: true }\n",
        expect![[r#"
        p.yaml:8:33: retry.max_ms: is 10, below base_ms; give at least 1000, or a lower base_ms
        p.yaml:8:45: retry.factor: is 0.5; give a number from 1 to 1000
        p.yaml:8:58: retry.jitter: is true; give full or none"#]],
    );
    check_least_and(
        "retry: { kind: list, on: { timeout: { delays_ms: [1, -2] }, permanent: {} } }\n",
        expect![[r#"
            p.yaml:8:8: retry.delays_ms: is missing; give a list of 1 to 64 whole numbers from 0 to 604800000
            p.yaml:8:50: retry.on.timeout.delays_ms: is a list; give a list of 1 to 64 whole numbers from 0 to 604800000
            p.yaml:8:61: retry.on.permanent: is no key here; the keys are retryable, rate_limited, timeout, no_model, yielded"#]],
    );
    check_least_and(
        "retry: { delays_ms: [1], budget_per_minute: 0, on: { no_model: { base_ms: 70000 } } }\n",
        expect![[r#"
            p.yaml:8:21: retry.delays_ms: is for kind: list alone; leave it out, or give kind: list
            p.yaml:8:45: retry.budget_per_minute: is 0; give a whole number from 1 to 1000000
            p.yaml:8:64: retry.on.no_model.max_ms: is 60000, below base_ms; give at least 70000, or a lower base_ms"#]],
    );
    check_least_and(
        "bounds: { crash_limit: 100, max_timeouts: -1, max_hops: 1.5 }\n",
        expect![[r#"
        p.yaml:8:24: bounds.crash_limit: is 100; give a whole number from 1 to 99
        p.yaml:8:43: bounds.max_timeouts: is -1; give a whole number from 1 to 1000
        p.yaml:8:57: bounds.max_hops: is 1.5; give a whole number from 1 to 10000"#]],
    );
    check_least_and(
        "bounds: { max_hops: 99999999999999999999999999 }\n",
        expect![
            "p.yaml:8:21: bounds.max_hops: is 100000000000000000000000000; give a whole number from 1 to 10000"
        ],
    );
}

#[test]
fn a_bound_on_waiting_and_what_follows_are_given_together() {
    let class = |fields: &str| {
        format!(
            "version: 1\nclasses:\n  a: {{ priority: 1, share: 1, {fields} }}\ndefault_class: a\nmodels:\n  m: {{ executor: simulate \
             }}\n"
        )
    };
    let told = |fields: &str| match parse_policy("p.yaml", &class(fields)) {
        Ok(policy) => format!("{:?}", policy.classes[0].max_wait),
        Err(faults) => faults.to_string(),
    };
    expect!["Some(MaxWait { ms: 2000, then: Promote })"]
        .assert_eq(&told("max_wait_ms: 2000, on_max_wait: promote"));
    expect!["None"].assert_eq(&told("shards: 1"));
    expect!["p.yaml:3:44: classes.a.max_wait_ms: says nothing alone; give on_max_wait: promote, demote or expire as well"].assert_eq(&told("max_wait_ms: 2000"));
    expect!["p.yaml:3:44: classes.a.on_max_wait: says nothing alone; give max_wait_ms as well"]
        .assert_eq(&told("on_max_wait: expire"));
    expect![[r#"
        p.yaml:3:44: classes.a.max_wait_ms: is 999; give a whole number from 1000 to 604800000
        p.yaml:3:62: classes.a.on_max_wait: is the text "wait"; give promote, demote or expire"#]]
    .assert_eq(&told("max_wait_ms: 999, on_max_wait: wait"));
}
