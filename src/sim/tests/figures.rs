//! The figures that `docs/benchmarks.md` states, over less time and fewer seeds.

use std::time::Duration;

use crate::scheduler::rules::{Between, Infeasible, MlfqRules, Rules};
use crate::sim::plan::{Mesh, Mode, Plan};
use crate::sim::record::Run;
use crate::sim::report::{Report, summarise};
use crate::sim::run;
use crate::sim::workload::{Kind, Length, Presence, Spec, Workload, build};

fn made(kind: Kind, presence: Presence, seconds: u64) -> Workload {
    let spec = Spec {
        presence,
        length: Some(Length::For(Duration::from_secs(seconds))),
        ..Spec::new(kind)
    };
    build(&spec, 1).expect("it is a workload")
}

/// What one worker made of it.
fn served(workload: &Workload, between: Between, seed: u64) -> (Run, Report) {
    let rules = Rules {
        between,
        ..Rules::default()
    };
    let plan = Plan::of(rules, workload, Mode::Mesh(Mesh::default()));
    let run = run(workload, &plan, seed);
    let report = summarise(&plan, workload, std::slice::from_ref(&run)).expect("Little's law holds");
    (run, report)
}

fn mean_ms(report: &Report) -> f64 {
    report.latency.expect("tasks were done").mean_ms
}

#[test]
fn fourteen_clients_wait_842_ms_for_fifo_and_315_for_mlfq() {
    let workload = made(Kind::Reference, Presence::With, 150);
    let (_, fifo) = served(&workload, Between::Fifo, 1);
    let (_, mlfq) = served(&workload, Between::Mlfq(MlfqRules::DEFAULT), 1);
    for report in [&fifo, &mlfq] {
        assert!((report.in_system - 14.0).abs() < 0.1, "L {}", report.in_system);
    }
    let apart = [mean_ms(&fifo) / 842.0, fifo.throughput_per_s / 17.0].map(|ratio| (ratio - 1.0).abs());
    assert!(
        apart.iter().all(|apart| *apart <= 0.1),
        "fifo is off by {apart:?}"
    );
    let (mean_ms, per_s, long) = (
        mean_ms(&mlfq),
        mlfq.throughput_per_s,
        mlfq.classes[1].throughput_per_s,
    );
    assert!(
        mean_ms <= 315.0 && per_s >= 46.0 && long >= 1.5,
        "mlfq: {mean_ms} ms, {per_s}/s, long {long}/s"
    );
}

#[test]
fn a_class_that_floods_costs_the_others_a_fifth_of_their_p99_at_most() {
    let p99_ms = |presence| {
        let (_, report) = served(&made(Kind::Flood, presence, 60), Between::Weighted, 1);
        let modest = report.classes.into_iter().take(3);
        modest
            .map(|class| class.latency.expect("it was served").p99_ms)
            .collect::<Vec<f64>>()
    };
    for (with, without) in p99_ms(Presence::With).into_iter().zip(p99_ms(Presence::Without)) {
        assert!(with <= 1.2 * without, "{with} ms, without the flood {without} ms");
    }
}

#[test]
fn a_tenant_that_asks_for_all_costs_the_light_ones_half_of_their_p99_at_most() {
    let p99_us = |presence| {
        let (run, _) = served(&made(Kind::Tenants, presence, 40), Between::Weighted, 1);
        let light = run.records.iter().filter(|record| record.tenant != 0);
        let mut times: Vec<u64> = light.map(|record| record.ended_us - record.arrived_us).collect();
        times.sort_unstable();
        times[times.len() * 99 / 100] as f64
    };
    let (with, without) = (p99_us(Presence::With), p99_us(Presence::Without));
    assert!(with <= 1.5 * without, "{with} µs, alone {without} µs");
}

#[test]
fn deadlines_are_kept_past_the_capacity_where_what_is_late_is_dropped() {
    let spec = Spec {
        load: Some(1.1),
        length: Some(Length::Tasks(4_000)),
        ..Spec::new(Kind::Mix)
    };
    let workload = build(&spec, 101).expect("it is a workload");
    let drop = Between::Edf {
        infeasible: Infeasible::Drop,
    };
    let (_, report) = served(&workload, drop, 101);
    assert!(report.slo_attained >= 0.8, "{}", report.slo_attained);
}
