//! What changes from one policy to another, case by case.

use expect_test::{Expect, expect};

use super::differences;
use crate::config::policy::parse;

const BASE: &str = "version: 1
default_class: a
classes:
  a: { priority: 1, share: 40 }
  b: { priority: 1, share: 60 }
models:
  m: { executor: simulate }
";

fn words(before: &str, after: &str) -> String {
    let found = differences(before, after).unwrap_or_else(|faults| panic!("{faults}"));
    let words: Vec<String> = found.into_iter().map(|one| one.words).collect();
    words.join("\n")
}

/// The base, with each of the first replaced by the second.
fn with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(BASE.to_owned(), |yaml, (from, to)| {
        assert!(yaml.contains(from), "{from}");
        yaml.replacen(from, to, 1)
    })
}

fn check(changes: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&words(BASE, &with(changes)));
}

/// The base and more, against the base and something else.
fn check_more(before: &str, after: &str, expected: Expect) {
    expected.assert_eq(&words(&format!("{BASE}{before}"), &format!("{BASE}{after}")));
}

#[test]
fn what_is_given_instead_of_left_out_makes_no_difference() {
    check(&[], expect![""]);
    check_more(
        "",
        "scheduler: { between: weighted, quantum: 50.0 }
lanes: { core: { max_priority: 2 } }
marking: { deadline_within_s: 7200, business_weight_over: 5, lane: core }
retry: { max_attempts: 3, on: { timeout: { max_attempts: 3 } } }
overload: { wait_s: [30, 60, 3600], full: [0.5, 0.7, 0.9] }
",
        expect![""],
    );
    let same = "share: 40, max_concurrent: null, rate: null, slo_ms: null, aging: { base: 40 }, lookahead: { window: 1 }, \
                retry: { factor: 2, on: { no_model: {} } }";
    check(&[("share: 40", same)], expect![""]);
}

#[test]
fn a_share_is_told_with_its_part_of_the_whole() {
    check(
        &[("share: 40", "share: 60")],
        expect![
            "class a: share (part of the service among backlogged classes) goes from 40 to 60: 40 % of the whole before, 50 % after"
        ],
    );
}

#[test]
fn values_are_told_with_what_they_are_and_their_unit() {
    check(
        &[
            (
                "share: 40",
                "share: 40, max_concurrent: 5, slo_ms: 250, hand: 1, shards: 2",
            ),
            ("executor: simulate", "executor: embed, cost: { initial: 2.5 }"),
            ("default_class: a", "default_class: b"),
        ],
        expect![[r#"
            class a: max_concurrent (tasks of the class that may run at once per lane, over the whole mesh) goes from none to 5 tasks
            class a: shards (buckets that its tenants are spread over) goes from 1 to 2
            class a: slo_ms (wait and service together that its tasks should keep to) goes from none to 250 ms
            policy: default_class (takes the tasks whose class cannot be told) goes from a to b
            model m: executor (what runs it) goes from simulate to embed
            model m: cost.initial (estimate of one task before any was seen) goes from 20 to 2.5 ms of one slot"#]],
    );
    check_more(
        "lanes: { core: { timeout_ms: 1000 }, normal: { on_timeout: retry } }\noverload: { wait_s: [1, 2, 3] }\n",
        "scheduler: { between: mlfq, bypass_max: null, mlfq: { by: session } }\nbounds: { max_hops: 9 }\n",
        expect![[r#"
            scheduler: between (rule between classes) goes from weighted to mlfq
            scheduler: mlfq.by (whose service is counted) goes from tenant to session
            scheduler: bypass_max (picks of others that a queue's head may be passed over for before it is next) goes from 1000 picks to none
            lane core: timeout_ms (bound on one execution) goes from 1000 to 3000 ms
            lane normal: on_timeout (what follows a timeout) goes from retry to demote
            bounds: max_hops (publications after the first before the task is dead) goes from 16 to 9
            overload: wait_s (what a new task would wait, at which levels 1, 2 and 3 are entered) goes from [1, 2, 3] to [30, 60, 3600] s"#]],
    );
}

#[test]
fn what_can_be_turned_off_is_told_as_a_whole() {
    let (on, off) = ("share: 40, rate: { per_s: 50, burst: 10 }", "share: 40");
    check(
        &[(off, on)],
        expect![
            "class a: rate (how many of its tasks may start in a time, over the whole mesh) is turned on: per_s 50 tasks per s, burst 10 tasks"
        ],
    );
    let before = with(&[(off, on)]);
    expect!["class a: rate (how many of its tasks may start in a time, over the whole mesh) is turned off; it was: per_s 50 tasks per s, burst 10 tasks"].assert_eq(&words(&before, BASE));
    expect!["class a: rate.burst (tasks that may start at once after a quiet time) goes from 10 to 20 tasks"]
        .assert_eq(&words(&before, &before.replace("burst: 10", "burst: 20")));
    check_more(
        "",
        "marking: null\n",
        expect![
            "marking (what lifts a task to another lane) is turned off; it was: deadline_within_s 7200 s, business_weight_over 5, lane core"
        ],
    );
    check_more(
        "marking: null\n",
        "",
        expect![
            "marking (what lifts a task to another lane) is turned on: deadline_within_s 7200 s, business_weight_over 5, lane core"
        ],
    );
    check_more(
        "",
        "marking: { business_weight_over: 5 }\n",
        expect![
            "marking: deadline_within_s (a deadline nearer than this marks the task) goes from 7200 s to none"
        ],
    );
    check(
        &[(
            "executor: simulate",
            "executor: process, process: { command: [python3, h.py] }, batch: {}",
        )],
        expect![[r#"
            model m: executor (what runs it) goes from simulate to process
            model m: process (how its child processes are run) is turned on: command [python3, h.py]
            model m: batch (how tasks share the runs of a model, for `embed`) is turned on: window_ms 10 ms, size_max 32 tasks, tokens_max 8192 tokens"#]],
    );
}

#[test]
fn classes_models_and_prefixes_that_come_or_go_have_one_line_each() {
    check(
        &[(
            "  b: { priority: 1, share: 60 }\n",
            "  c: { priority: 2, share: 60, aging: { alpha: 1 } }\n",
        )],
        expect![[r#"
            class c is added: priority 2, share 60, aging.alpha 1 per s; that is 60 % of the whole
            class b is removed: what it still holds is drained first"#]],
    );
    check(
        &[("  m:", "  \"n/1\":")],
        expect![[r#"
        model n/1 is added: executor simulate
        model m is removed: what it still holds is drained first"#]],
    );
    check_more(
        "",
        "keys: { prefixes: { \"gpu:\": { limit: 4 } } }\n",
        expect!["prefix gpu: is added: limit 4 tasks"],
    );
    check_more(
        "keys: { prefixes: { \"gpu:\": { limit: 4 } } }\n",
        "",
        expect!["prefix gpu: is removed: keys that begin so have the limit of the others"],
    );
}

#[test]
fn the_order_of_classes_is_told() {
    let b = "  b: { priority: 1, share: 60 }\n";
    check(
        &[(b, ""), ("classes:\n", &format!("classes:\n{b}"))],
        expect!["classes stand in another order, b, a: among equal priorities the first is chosen"],
    );
}

#[test]
fn what_is_taken_from_elsewhere_is_told_where_it_is_said() {
    check_more(
        "",
        "retry: { max_attempts: 9 }\n",
        expect!["retry: max_attempts (executions that may fail before the task is dead) goes from 3 to 9"],
    );
    check(
        &[("share: 40", "share: 40, retry: { max_attempts: 9 }")],
        expect![
            "class a: retry.max_attempts (executions that may fail before the task is dead) goes from 3 to 9"
        ],
    );
    let own = with(&[("share: 40", "share: 40, retry: { max_attempts: 9 }")]);
    expect!["class a: retry.max_attempts (executions that may fail before the task is dead) goes from 9 to 3, as retry.max_attempts"].assert_eq(&words(&own, BASE));
    check_more(
        "",
        "retry: { on: { timeout: { kind: list, delays_ms: [5, 10] } } }\n",
        expect![[r#"
            retry: on.timeout.kind (how the bound on the delay grows) goes from exponential to list
            retry: on.timeout.delays_ms (bounds on the first, second, … delay) goes from none to [5, 10] ms"#]],
    );
    let kind = |rest: &str| format!("{own}retry: {{ {rest} }}\n");
    expect![[r#"
        retry: on.timeout.base_ms (bound on the first delay) goes from 1000 to 7 ms
        class a: retry.on.timeout.base_ms (bound on the first delay) goes from 1000 to 7 ms, as retry.on.timeout.base_ms
        class a: retry.on.timeout.max_attempts (executions that may fail before the task is dead) goes from 9 to 3, as retry.on.timeout.max_attempts"#]].assert_eq(&words(&kind(""), &kind("on: { timeout: { base_ms: 7 } }")));
}

#[test]
fn a_difference_has_its_parts_for_programs() {
    let found = differences(BASE, &with(&[("share: 40", "share: 40, max_concurrent: 7")])).unwrap();
    expect![[r#"
        [
          {
            "path": "classes.a.max_concurrent",
            "about": "class a",
            "before": null,
            "after": "7",
            "words": "class a: max_concurrent (tasks of the class that may run at once per lane, over the whole mesh) goes from none to 7 tasks"
          }
        ]"#]].assert_eq(&serde_json::to_string_pretty(&found).unwrap());
}

#[test]
fn a_faulty_policy_is_told_by_its_side() {
    let faulty = BASE.replace("share: 60", "share: 0");
    let told = |before: &str, after: &str| differences(before, after).unwrap_err().to_string();
    expect!["before:5:28: classes.b.share: is 0; give a whole number from 1 to 1000000"]
        .assert_eq(&told(&faulty, BASE));
    expect!["after:5:28: classes.b.share: is 0; give a whole number from 1 to 1000000"]
        .assert_eq(&told(BASE, &faulty));
}

/// Whatever option changes is told: what it means to do so is told by the tests above.
#[test]
fn no_option_changes_in_silence() {
    let everything = include_str!("../description/everything.yaml");
    let (_, after) = parse::parse_noted("everything", everything).unwrap();
    let least = "version: 1\ndefault_class: interactive\nclasses: { interactive: { priority: 2, share: 1 } }\n\
                 models: { echo: { executor: process, process: { command: [x] }, batch: {}, rate: { per_s: 1 } } }\n";
    let least = least.replace("share: 1 }", "share: 1, rate: { per_s: 1 } }");
    let found = differences(&least, everything).unwrap();
    for noted in after
        .iter()
        .filter(|noted| noted.at.is_some() && !noted.kind.is_mapping())
    {
        let path = &noted.place.path;
        let is_told = found.iter().any(|one| one.path == *path);
        let cannot_change = [
            "version",
            "default_class",
            "models.echo.executor",
            "models.echo.cost.unit",
        ];
        let is_whole = path.starts_with("keys.prefixes.");
        assert!(
            is_told || is_whole || cannot_change.contains(&path.as_str()),
            "{path}"
        );
    }
}
