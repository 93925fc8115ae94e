//! A trace under two policies.

use std::fmt::Write;

use expect_test::expect;

use crate::config::parse_policy;
use crate::sim::report::Report;
use crate::sim::whatif::{
    Comparison, ComparisonJson, Known, Measure, Of, Replayed, Verdict, questions, replay, rows,
};
use crate::sim::workload::Trace;

const SEEDS: u64 = 3;

fn known(name: &str, classes: &str) -> Known {
    ruled(name, "weighted", classes)
}

fn ruled(name: &str, between: &str, classes: &str) -> Known {
    let yaml = format!(
        "version: 1
scheduler: {{ between: {between} }}
classes:
{classes}
default_class: bulk
models:
  m: {{ executor: simulate }}
"
    );
    let policy = parse_policy(name, &yaml).unwrap_or_else(|faults| panic!("{faults}"));
    Known {
        name: name.to_owned(),
        policy,
    }
}

fn fair(name: &str) -> Known {
    known(
        name,
        "  pay:  { priority: 1, share: 50, slo_ms: 400 }\n  bulk: { priority: 2, share: 50 }",
    )
}

/// Gives `bulk` next to nothing.
fn starving() -> Known {
    known(
        "starving",
        "  pay:  { priority: 1, share: 99 }\n  bulk: { priority: 2, share: 1 }",
    )
}

/// Bursts of 40 tasks of both classes every second for ten seconds, each of 30 ms: more than one slot bears.
fn bursts() -> Trace {
    let mut text = "TIMESTAMP,ContextTokens,GeneratedTokens,Class,ServiceMs\n".to_owned();
    for n in 0..400 {
        let (second, class) = (n / 40, ["pay", "bulk"][n % 2]);
        writeln!(text, "2026-11-23 12:00:{second:02}.{:03},0,0,{class},30", n % 40).unwrap();
    }
    Trace::parse("bursts.csv", &text).unwrap()
}

fn compared(holds: &Known, candidate: &Known) -> Comparison {
    let replayed = Replayed::new(bursts(), [holds, candidate], 1, Some(1)).unwrap();
    let run = |known: &Known, seed: u64| replay(&replayed, known, seed).unwrap();
    let reports: Vec<(Report, Report)> = (1..=SEEDS)
        .map(|seed| (run(holds, seed), run(candidate, seed)))
        .collect();
    let asked = questions(&[], &replayed.classes()).unwrap();
    Comparison::of(&reports, 1, replayed.judged(&asked, &reports)).unwrap()
}

#[test]
fn a_policy_that_says_the_same_is_no_worse() {
    let comparison = compared(&fair("a"), &fair("b"));
    assert_eq!(comparison.worse(), 0);
    let is_same = |judged: &crate::sim::whatif::Judged| {
        judged.verdict == Verdict::NoWorse && judged.difference == Some(0.0)
    };
    assert!(comparison.judged.iter().all(is_same), "{comparison:?}");
    expect!["b is no worse than a in 5 figures"].assert_eq(&comparison.sentence());
}

#[test]
fn a_policy_that_starves_a_class_is_worse_for_it_and_better_for_the_other() {
    let comparison = compared(&fair("fair"), &starving());
    let table = rows(&comparison);
    let lines: Vec<String> = table.rows.iter().map(|row| row.join(" | ")).collect();
    expect![[r#"
        wait_p99 | pay | 180 | 3077 ms | 567 ms | -2510 ms (-82 %) | better
        wait_p99 | bulk | 180 | 3045 ms | 4720 ms | +1675 ms (+55 %) | worse
        slo_attained | pay | 180 | 1.7 % | 64.4 % | +62.8 points | better
        given_up | pay | 180 | 0.0 % | 0.0 % | +0.0 points | no worse
        given_up | bulk | 180 | 0.0 % | 0.0 % | +0.0 points | no worse"#]]
    .assert_eq(&lines.join("\n"));
    expect!["bursts under fair and under starving: 360 tasks counted, at their own pace, load 1.33, 1 worker, 1 slot, 3 seeds"].assert_eq(&comparison.headline());
    expect!["starving is worse than fair in 1 of 5 figures"].assert_eq(&comparison.sentence());
}

#[test]
fn programs_are_told_the_same() {
    let comparison = compared(&fair("fair"), &starving());
    let json = serde_json::to_value(ComparisonJson::from(&comparison)).unwrap();
    assert_eq!(json["worse"], true);
    assert_eq!(json["figures"][1]["class"], "bulk");
    assert_eq!(json["figures"][1]["verdict"], "worse");
    assert_eq!(json["figures"][2]["margin_unit"], "points");
}

#[test]
fn a_trace_is_replayed_at_its_own_pace() {
    let comparison = compared(&fair("a"), &fair("b"));
    // 400 tasks of 30 ms on one slot, from noon to nine seconds and 39 ms later.
    let load = 12.0 / 9.039;
    assert!(
        comparison.load.is_some_and(|found| (found - load).abs() < 1e-9),
        "{comparison:?}"
    );
}

#[test]
fn a_class_that_a_policy_lacks_is_named_with_its_tasks_and_a_trace_without_classes_is_refused() {
    let without = known("without", "  bulk: { priority: 2, share: 50 }");
    let refuse = |trace: Trace| {
        let made = Replayed::new(trace, [&fair("fair"), &without], 1, Some(1));
        made.map(|_| ()).unwrap_err().to_string()
    };
    expect![[r#"without has no class "pay", of which the trace has 200 task(s): a gateway would refuse them; add the class, or export the trace with --class for those that stay"#]]
        .assert_eq(&refuse(bursts()));
    let bare = "TIMESTAMP,ContextTokens,GeneratedTokens\n2026-11-23 12:00:00,1,1\n2026-11-23 12:00:01,1,1\n";
    expect!["the trace names no classes, so that no policy can be told apart on it; `fairlane trace export` writes one that does"]
        .assert_eq(&refuse(Trace::parse("t.csv", bare).unwrap()));
}

#[test]
fn tasks_are_as_urgent_as_a_gateway_makes_them_under_each_policy() {
    let of = |name, pay, bulk| {
        let classes =
            format!("  pay:  {{ priority: {pay}, share: 50 }}\n  bulk: {{ priority: {bulk}, share: 50 }}");
        ruled(name, "score", &classes)
    };
    let comparison = compared(&of("holds", 0, 9), &of("turned", 9, 0));
    let verdicts: Vec<(Of, Verdict)> = comparison
        .judged
        .iter()
        .filter(|judged| judged.measure == Measure::WaitP99)
        .map(|judged| (judged.of, judged.verdict))
        .collect();
    assert_eq!(
        verdicts,
        [(Of::Class(0), Verdict::Worse), (Of::Class(1), Verdict::Better)]
    );
}
