//! The schema and the reference page are what the reader knows, and the schema judges documents as the reader does.

use expect_test::expect_file;
use serde_json::{Value as Json, json};

use super::checker;
use crate::config::policy::node::{Node, Value, parse};
use crate::config::policy::{DEFAULT_POLICY_YAML, parse_policy, policy_reference, policy_schema};

#[test]
fn the_schema_is_what_the_reader_knows() {
    let text = serde_json::to_string_pretty(&policy_schema()).unwrap();
    expect_file!["../../../../docs/policy.schema.json"].assert_eq(&format!("{text}\n"));
}

#[test]
fn the_reference_page_is_what_the_reader_knows() {
    expect_file!["../../../../docs/policy-reference.md"].assert_eq(&policy_reference());
}

/// A document as an editor sees it.
fn as_json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Whole(n) => json!(i64::try_from(*n).unwrap()),
        Value::Number(n) => json!(n),
        Value::Text(text) => json!(text),
        Value::List(nodes) => nodes.iter().map(as_json).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, node)| (key.text.clone(), as_json(node)))
            .collect(),
    }
}

fn faults(yaml: &str) -> Vec<String> {
    checker::faults(&policy_schema(), &as_json(&parse(yaml).unwrap()))
}

const LEAST: &str = "version: 1
default_class: a
classes: { a: { priority: 1, share: 1 } }
models: { m: { executor: simulate } }
";

#[test]
fn what_the_reader_takes_the_schema_takes() {
    let process = include_str!("../../../../examples/policy-process.yaml");
    let simulate = include_str!("../../../../examples/policy-simulate.yaml");
    for yaml in [
        DEFAULT_POLICY_YAML,
        include_str!("everything.yaml"),
        LEAST,
        process,
        simulate,
    ] {
        assert_eq!(faults(yaml), Vec::<String>::new());
    }
    for more in [
        "marking: null",
        "marking: { lane: normal, deadline_within_s: 1 }",
        "scheduler: { bypass_max: null, mlfq: { quantum_ms: 0.001 } }",
        "retry: { kind: list, delays_ms: [0] }",
        "retry: { kind: fixed, on: { timeout: { kind: list, delays_ms: [1] } } }",
        "keys: { prefixes: { \"\": { limit: 1 } } }",
    ] {
        let yaml = format!("{LEAST}{more}\n");
        parse_policy("p.yaml", &yaml).unwrap();
        assert_eq!(faults(&yaml), Vec::<String>::new(), "{more}");
    }
}

#[test]
fn what_the_schema_refuses_the_reader_refuses() {
    let class = |more: &str| LEAST.replace("share: 1", &format!("share: 1, {more}"));
    let model = |more: &str| LEAST.replace("executor: simulate", more);
    let top = |more: &str| format!("{LEAST}{more}\n");
    for yaml in [
        LEAST.replace("version: 1", "version: 2"),
        LEAST.replace("default_class: a\n", ""),
        LEAST.replace("{ a: { priority: 1, share: 1 } }", "{}"),
        LEAST.replace("a: {", "a.b: {"),
        LEAST.replace(", share: 1", ""),
        LEAST.replace("m: {", "\"\": {"),
        top("clases: {}"),
        top("scheduler: { between: drr }"),
        top("scheduler: { quantum: 0 }"),
        top("scheduler: { mlfq: { quantum_ms: 0 } }"),
        top("lanes: { normal: { max_priority: 2 } }"),
        top("lanes: { core: { concurrency: 1.5 } }"),
        top("marking: { deadline_within_s: null, business_weight_over: 1 }"),
        top("retry: { delays_ms: [1] }"),
        top("retry: { kind: list }"),
        top("retry: { on: { permanent: {} } }"),
        top("retry: { on: { timeout: { kind: fixed, delays_ms: [1] } } }"),
        top("retry: { kind: list, delays_ms: [] }"),
        top("overload: { wait_s: [1, 2] }"),
        top("overload: { full: [0, 0.5, 1] }"),
        top("overload: { leave_at: 1 }"),
        top("keys: { prefixes: { a: {} } }"),
        class("max_wait_ms: 1000"),
        class("on_max_wait: expire"),
        class("hand: 65"),
        class("rate: { burst: 1 }"),
        class("lookahead: { order: edf }"),
        class("slo: 5"),
        model("executor: gpu"),
        model("executor: process"),
        model("executor: simulate, process: { command: [x] }"),
        model("executor: process, process: { command: [] }"),
        model("executor: simulate, cost: { unit: tokens }"),
    ] {
        assert!(parse_policy("p.yaml", &yaml).is_err(), "the reader takes {yaml}");
        assert_ne!(faults(&yaml), Vec::<String>::new(), "the schema takes {yaml}");
    }
}

/// Each option as far as its range goes, and one further: of both, reader and schema think the same.
#[test]
fn ranges_end_where_the_reader_says() {
    for (at_most, beyond) in [
        (
            "callbacks: { timeout_ms: 20000 }",
            "callbacks: { timeout_ms: 20001 }",
        ),
        ("bounds: { crash_limit: 99 }", "bounds: { crash_limit: 100 }"),
        (
            "scheduler: { strict: { floor: 0.5 } }",
            "scheduler: { strict: { floor: 0.51 } }",
        ),
        ("overload: { no_workers: 3 }", "overload: { no_workers: 4 }"),
        ("keys: { lease_s: 2 }", "keys: { lease_s: 1 }"),
    ] {
        let (at_most, beyond) = (format!("{LEAST}{at_most}\n"), format!("{LEAST}{beyond}\n"));
        assert!(
            parse_policy("p", &at_most).is_ok() && faults(&at_most).is_empty(),
            "{at_most}"
        );
        assert!(
            parse_policy("p", &beyond).is_err() && !faults(&beyond).is_empty(),
            "{beyond}"
        );
    }
}
