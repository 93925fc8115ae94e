//! A canary that does harm is rolled back, soon after there is enough evidence.

use super::super::{Ground, Harm, Measure, Plan, Ruling, Share};
use super::many::{Run, many, plan, rolled_back, seeds, times_s};
use super::scenes::{BURSTS, four, harmed, one, shaped};
use super::traffic::{Flow, Shape, Traffic};

/// Canary tasks of 10 % of 200 per second.
const CANARY_PER_S: f64 = 20.0;

/// How many canary tasks, one in ten of all, a single test at a fixed size would need to find a rate of `canary`
/// against the hypothesis that it is at most `bound`, with a power of 0.8 and the part of `alpha` that the total of one
/// measure has (0.05 / 18): `(z_α + z_β)² · (p_c q_c + p_s q_s / 9) / (p_c − bound)²`.
fn enough(stable: f64, canary: f64, bound: f64) -> f64 {
    let (of_alpha, of_power) = (2.773, 0.842);
    let z = f64::powi(of_alpha + of_power, 2);
    let variance = canary * (1.0 - canary) + stable * (1.0 - stable) / 9.0;
    z * variance / (canary - bound).powi(2)
}

/// All are rolled back for `measure`; gives the median and the 90th percentile of the time it takes, in s.
fn found(what: &str, traffic: &Traffic, measure: Measure, enough: f64, few: u64) -> [f64; 2] {
    let runs = many(traffic, &plan(traffic), seeds(few));
    assert_eq!(rolled_back(what, &runs), runs.len(), "{what}");
    let for_it = runs.iter().filter(|run| reason(run).0 == Some(measure)).count();
    assert!(for_it * 10 >= runs.len() * 9, "{what}: {for_it}");
    println!(
        "  enough is {enough:.0} canary tasks, {:.0} s",
        enough / CANARY_PER_S
    );
    times_s(&runs).map(|s| s as f64)
}

/// The measure and the class of a rollback.
fn reason(run: &Run) -> (Option<Measure>, Option<&str>) {
    match &run.last.ruling {
        Ruling::RollBack(Harm::Worse(finding)) => (
            Some(finding.measure),
            finding.class.as_ref().map(|class| class.as_str()),
        ),
        _ => (None, None),
    }
}

#[test]
fn failures_of_5_instead_of_1_percent_are_rolled_back_within_30_s_of_enough_evidence() {
    let traffic = harmed(one(), |flow| flow.failed = [0.01, 0.05]);
    let enough = enough(0.01, 0.05, 0.02);
    let [median, most] = found("failures 1 % to 5 %", &traffic, Measure::Failures, enough, 200);
    let limit = enough / CANARY_PER_S + 30.0;
    assert!(median <= limit - 20.0 && most <= limit, "{median} {most} {limit}");
}

#[test]
fn a_disaster_is_rolled_back_in_seconds() {
    let traffic = harmed(one(), |flow| flow.failed = [0.01, 1.0]);
    let [_, most] = found("failures 1 % to 100 %", &traffic, Measure::Failures, 1.0, 50);
    assert!(most <= 10.0, "{most}");
}

#[test]
fn waits_twice_as_long_are_rolled_back_within_30_s_of_enough_evidence() {
    let traffic = harmed(one(), |flow| flow.wait_ms = [100.0, 200.0]);
    // Over 1.3 times the 99th percentile of exponential waits: 0.01^(1.3 / 2).
    let enough = enough(0.01, 0.05, 0.01);
    let [median, most] = found("waits twice as long", &traffic, Measure::Waits, enough, 200);
    let limit = enough / CANARY_PER_S + 30.0;
    assert!(median <= limit - 10.0 && most <= limit, "{median} {most} {limit}");
}

/// Of waits without a variance less lies beyond the limit: 1.9 % instead of 1 %. Enough takes 160 s.
#[test]
fn heavy_tailed_waits_twice_as_long_are_rolled_back() {
    let heavy = harmed(shaped(one(), Shape::Pareto), |flow| {
        (flow.wait_ms, flow.slo_ms) = ([100.0, 200.0], None);
    });
    let enough = enough(0.01, 0.01 * f64::powf(2.0 / 1.3, 1.5), 0.01);
    let [median, most] = found("Pareto waits twice as long", &heavy, Measure::Waits, enough, 20);
    let limit = enough / CANARY_PER_S + 30.0;
    assert!(median <= limit && most <= 2.0 * limit, "{median} {most} {limit}");
}

#[test]
fn waits_twice_as_long_are_found_in_bursts_that_hit_both_tracks() {
    let burst = Traffic {
        shared: Some(BURSTS),
        ..four()
    };
    let traffic = harmed(burst, |flow| {
        (flow.wait_ms[1], flow.slo_ms) = (2.0 * flow.wait_ms[1], None)
    });
    let [median, _] = found(
        "waits twice as long, shared bursts",
        &traffic,
        Measure::Waits,
        400.0,
        20,
    );
    assert!(median <= 60.0, "{median}");
}

#[test]
fn failures_of_one_small_class_are_found() {
    let small = |flow: &mut Flow| {
        if flow.name == "small" {
            flow.failed = [0.01, 0.2];
        }
    };
    let traffic = harmed(four(), small);
    let runs = many(&traffic, &plan(&traffic), seeds(30));
    assert_eq!(
        rolled_back("failures 1 % to 20 % of a class with 4 % of the tasks", &runs),
        runs.len()
    );
    for run in &runs {
        assert_eq!(reason(run), (Some(Measure::Failures), Some("small")));
    }
}

#[test]
fn differences_within_the_margins_roll_nothing_back() {
    let within = harmed(one(), |flow| {
        (flow.failed, flow.wait_ms) = ([0.001, 0.003], [100.0, 115.0])
    });
    let runs = many(&within, &plan(&within), seeds(10));
    let back = rolled_back("failures 0.1 % to 0.3 %, waits 15 % longer", &runs);
    assert!(back * 20 <= runs.len(), "{back}");
    assert!(runs.iter().filter(|run| run.is_done()).count() * 10 >= runs.len() * 9);
}

/// A canary that is worse by just the margin is shown to be no worse in one stage of twenty at most.
#[test]
fn a_canary_at_the_margin_is_seldom_shown_to_be_no_worse() {
    let traffic = harmed(one(), |flow| flow.failed = [0.01, 0.02]);
    let shares = Share::new(1_000).into_iter().collect();
    let short = Plan {
        shares,
        stage_ms_max: 120_000,
        ..plan(&traffic)
    };
    let runs = many(&traffic, &short, seeds(40));
    let shown = runs
        .iter()
        .filter(|run| run.grounds.first() == Some(&Ground::Shown))
        .count();
    println!(
        "failures 1 % to 2 %, just the margin: {shown} of {} shown to be no worse",
        runs.len()
    );
    assert!(shown * 20 <= runs.len(), "{shown} of {}", runs.len());
}
