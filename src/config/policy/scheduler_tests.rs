//! The rule between classes, the order within one, and their parameters: what is read and what is refused.

use expect_test::{Expect, expect};

use super::*;
use crate::policy::{Class, Policy};
use crate::scheduler::rules::Rules;

/// A document with that `scheduler` and those fields of its one class.
fn document(scheduler: &str, class: &str) -> String {
    format!(
        "version: 1
scheduler: {{ {scheduler} }}
classes:
  a: {{ priority: 1, share: 7{class} }}
default_class: a
models:
  m: {{ executor: simulate }}
"
    )
}

fn policy(scheduler: &str, class: &str) -> Policy {
    let read = parse_policy("p.yaml", &document(scheduler, class));
    read.unwrap_or_else(|faults| panic!("{faults}"))
}

fn rules(scheduler: &str) -> Rules {
    policy(scheduler, "").scheduler
}

fn class(fields: &str) -> Class {
    policy("", fields).classes.remove(0)
}

fn check_faults(scheduler: &str, class: &str, expected: Expect) {
    let shown = match parse_policy("p.yaml", &document(scheduler, class)) {
        Ok(_) => "stands".to_owned(),
        Err(faults) => faults.to_string(),
    };
    expected.assert_eq(&shown);
}

#[test]
fn every_rule_has_a_word_and_defaults() {
    let shown = ["weighted", "fifo", "strict", "edf", "aging", "score", "mlfq"].map(|word| {
        let between = rules(&format!("between: {word}")).between;
        assert_eq!(between.as_str(), word);
        format!("{between:?}")
    });
    expect![[r#"
        Weighted
        Fifo
        Strict { floor: 0.05 }
        Edf { infeasible: Drop }
        Aging
        Score(ScoreWeights { urgency: 0.4, business: 0.35, time: 0.25, horizon_ms: 30000.0 })
        Mlfq(MlfqRules { by: Tenant, quantum_ms: 50.0, levels: 8, boost_ms: 30000 })"#]]
    .assert_eq(&shown.join("\n"));
    assert_eq!(rules(""), Rules::default());
}

#[test]
fn what_a_rule_is_given_is_read() {
    let shown = [
        "between: strict, strict: { floor: 0.5 }",
        "between: edf, edf: { infeasible: serve }",
        "between: edf, edf: { infeasible: drop }",
        "between: edf, edf: { infeasible: park }",
        "between: score, score: { urgency: 0, business: 0, time: 1, horizon_ms: 1 }",
        "between: mlfq, mlfq: { by: session, quantum_ms: 0.5, levels: 16, boost_ms: 100 }",
    ]
    .map(|scheduler| format!("{:?}", rules(scheduler).between));
    expect![[r#"
        Strict { floor: 0.5 }
        Edf { infeasible: Serve }
        Edf { infeasible: Drop }
        Edf { infeasible: Park }
        Score(ScoreWeights { urgency: 0.0, business: 0.0, time: 1.0, horizon_ms: 1.0 })
        Mlfq(MlfqRules { by: Session, quantum_ms: 0.5, levels: 16, boost_ms: 100 })"#]]
    .assert_eq(&shown.join("\n"));
    let most = ["", "bypass_max: 1", "bypass_max: 1000000", "bypass_max: null"]
        .map(|scheduler| rules(scheduler).bypass_max);
    assert_eq!(most, [Some(1_000), Some(1), Some(1_000_000), None]);
}

#[test]
fn a_rule_is_changed_by_one_word_and_finds_its_parameters() {
    let scheduler =
        "strict: { floor: 0.1 }, edf: { infeasible: drop }, mlfq: { levels: 3 }, score: { time: 0.9 }";
    let of = |word: &str| rules(&format!("between: {word}, {scheduler}")).between;
    expect![[r#"
        [
            Weighted,
            Strict {
                floor: 0.1,
            },
            Edf {
                infeasible: Drop,
            },
            Score(
                ScoreWeights {
                    urgency: 0.4,
                    business: 0.35,
                    time: 0.9,
                    horizon_ms: 30000.0,
                },
            ),
            Mlfq(
                MlfqRules {
                    by: Tenant,
                    quantum_ms: 50.0,
                    levels: 3,
                    boost_ms: 30000,
                },
            ),
        ]
    "#]]
    .assert_debug_eq(&["weighted", "strict", "edf", "score", "mlfq"].map(of));
}

#[test]
fn faults_of_the_rule_between_classes_are_told_with_their_place() {
    check_faults(
        "between: srpt, bypass_max: 0",
        "",
        expect![[r#"
            p.yaml:2:23: scheduler.between: is the text "srpt"; give weighted, fifo, strict, edf, aging, score or mlfq
            p.yaml:2:41: scheduler.bypass_max: is 0; give a whole number from 1 to 1000000"#]],
    );
    check_faults(
        "between: , bypas_max: 5, fair: 1",
        "",
        expect![[r#"
            p.yaml:2:21: scheduler.between: is empty; give weighted, fifo, strict, edf, aging, score or mlfq
            p.yaml:2:25: scheduler.bypas_max: is no key here; did you mean bypass_max?
            p.yaml:2:39: scheduler.fair: is no key here; the keys are between, strict, edf, score, mlfq, quantum, bypass_max"#]],
    );
}

#[test]
fn rules_that_are_not_chosen_are_checked_too() {
    check_faults(
        "between: weighted, strict: { floor: 0.6 }, edf: { infeasible: shed }",
        "",
        expect![[r#"
            p.yaml:2:50: scheduler.strict.floor: is 0.6; give a number from 0 to 0.5
            p.yaml:2:76: scheduler.edf.infeasible: is the text "shed"; give serve, drop or park"#]],
    );
    check_faults(
        "strict: { flor: 0.1 }, edf: { infeasable: drop }, score: { bussiness: 1 }, mlfq: { level: 8 }",
        "",
        expect![[r#"
            p.yaml:2:24: scheduler.strict.flor: is no key here; did you mean floor?
            p.yaml:2:44: scheduler.edf.infeasable: is no key here; did you mean infeasible?
            p.yaml:2:73: scheduler.score.bussiness: is no key here; did you mean business?
            p.yaml:2:97: scheduler.mlfq.level: is no key here; did you mean levels?"#]],
    );
    check_faults(
        "score: { urgency: -0.1, business: 1.1, time: much, horizon_ms: 0 }",
        "",
        expect![[r#"
            p.yaml:2:32: scheduler.score.urgency: is -0.1; give a number from 0 to 1
            p.yaml:2:48: scheduler.score.business: is 1.1; give a number from 0 to 1
            p.yaml:2:59: scheduler.score.time: is the text "much"; give a number from 0 to 1
            p.yaml:2:77: scheduler.score.horizon_ms: is 0; give a number from 1 to 604800000"#]],
    );
    check_faults(
        "mlfq: { by: user, quantum_ms: 0, levels: 1, boost_ms: 99 }",
        "",
        expect![[r#"
            p.yaml:2:26: scheduler.mlfq.by: is the text "user"; give tenant or session
            p.yaml:2:44: scheduler.mlfq.quantum_ms: is 0; give a number of more than 0, up to 1000000000
            p.yaml:2:55: scheduler.mlfq.levels: is 1; give a whole number from 2 to 16
            p.yaml:2:68: scheduler.mlfq.boost_ms: is 99; give a whole number from 100 to 86400000"#]],
    );
    check_faults(
        "edf: drop, strict: null",
        "",
        expect![[r#"
            p.yaml:2:19: scheduler.edf: is the text "drop"; give a mapping of keys to values
            p.yaml:2:33: scheduler.strict: is empty; give a mapping of keys to values"#]],
    );
}

#[test]
fn a_score_of_nothing_is_refused_and_a_faulty_one_is_not_called_nothing() {
    check_faults(
        "score: { urgency: 0, business: 0, time: 0 }",
        "",
        expect![
            "p.yaml:2:21: scheduler.score: weighs nothing; give urgency, business or time a weight above 0"
        ],
    );
    check_faults(
        "score: { urgency: 0, business: 0, time: -1 }",
        "",
        expect!["p.yaml:2:54: scheduler.score.time: is -1; give a number from 0 to 1"],
    );
}

#[test]
fn a_class_has_its_terms_or_the_documented_defaults() {
    let shown = [
        "",
        ", slo_ms: 250, aging: { base: 0, alpha: 0.2 }, lookahead: { window: 8, order: edf }",
        ", slo_ms: null, aging: {}, lookahead: { window: 64, order: aged, alpha: 0.5, bypass_max: 4 }",
        ", aging: { alpha: 100 }, lookahead: { window: 1 }",
        ", aging: { base: 3.5 }, lookahead: { window: 2, order: aged }",
    ]
    .map(|fields| format!("{:?}", class(fields).terms()));
    expect![[r#"
        ClassTerms { share: 7.0, priority: 1, aging_base: 7.0, aging_alpha: 0.1, slo_ms: None, lookahead: LookAhead { window: 1, order: Fifo, bypass_max: 32 } }
        ClassTerms { share: 7.0, priority: 1, aging_base: 0.0, aging_alpha: 0.2, slo_ms: Some(250), lookahead: LookAhead { window: 8, order: Edf, bypass_max: 32 } }
        ClassTerms { share: 7.0, priority: 1, aging_base: 7.0, aging_alpha: 0.1, slo_ms: None, lookahead: LookAhead { window: 64, order: Aged { alpha: 0.5 }, bypass_max: 4 } }
        ClassTerms { share: 7.0, priority: 1, aging_base: 7.0, aging_alpha: 100.0, slo_ms: None, lookahead: LookAhead { window: 1, order: Fifo, bypass_max: 32 } }
        ClassTerms { share: 7.0, priority: 1, aging_base: 3.5, aging_alpha: 0.1, slo_ms: None, lookahead: LookAhead { window: 2, order: Aged { alpha: 0.1 }, bypass_max: 32 } }"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn faults_of_a_class_s_order_are_told_with_their_place() {
    check_faults(
        "",
        ", slo_ms: 0, aging: { base: -1, alpha: 0 }",
        expect![[r#"
            p.yaml:4:39: classes.a.slo_ms: is 0; give a whole number from 1 to 604800000
            p.yaml:4:57: classes.a.aging.base: is -1; give a number from 0 to 1000000000
            p.yaml:4:68: classes.a.aging.alpha: is 0; give a number of more than 0, up to 100"#]],
    );
    check_faults(
        "",
        ", lookahead: { order: edf }",
        expect!["p.yaml:4:42: classes.a.lookahead.window: is missing; give a whole number from 1 to 64"],
    );
    check_faults(
        "",
        ", lookahead: { window: 65, order: srpt, alpha: 101, bypass_max: 1000001 }",
        expect![[r#"
            p.yaml:4:52: classes.a.lookahead.window: is 65; give a whole number from 1 to 64
            p.yaml:4:63: classes.a.lookahead.order: is the text "srpt"; give fifo, aged or edf
            p.yaml:4:76: classes.a.lookahead.alpha: is 101; give a number of more than 0, up to 100
            p.yaml:4:93: classes.a.lookahead.bypass_max: is 1000001; give a whole number from 1 to 1000000"#]],
    );
    check_faults(
        "",
        ", lookahead: 4, aging: fast",
        expect![[r#"
            p.yaml:4:42: classes.a.lookahead: is 4; give a mapping of keys to values
            p.yaml:4:52: classes.a.aging: is the text "fast"; give a mapping of keys to values"#]],
    );
    check_faults(
        "",
        ", slo: 5, look_ahead: { window: 2 }, aging: { bass: 1 }, lookahead: { windw: 2, window: 2 }",
        expect![[r#"
            p.yaml:4:31: classes.a.slo: is no key here; the keys are priority, share, max_concurrent, shards, hand, max_wait_ms, on_max_wait, on_dependency_failed, retry, slo_ms, aging, lookahead, rate
            p.yaml:4:39: classes.a.look_ahead: is no key here; did you mean lookahead?
            p.yaml:4:75: classes.a.aging.bass: is no key here; did you mean base?
            p.yaml:4:99: classes.a.lookahead.windw: is no key here; did you mean window?"#]],
    );
}

#[test]
fn parameters_of_an_order_that_is_not_chosen_are_checked_too() {
    check_faults(
        "",
        ", lookahead: { window: 2, order: fifo, alpha: -1 }",
        expect!["p.yaml:4:75: classes.a.lookahead.alpha: is -1; give a number of more than 0, up to 100"],
    );
}
