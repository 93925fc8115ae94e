//! Runs, put together.

use crate::sim::plan::Plan;
use crate::sim::record::{End, Record, Run};
use crate::sim::workload::{WorkClass, Workload};

use super::fairness::{jain, tenants};
use super::figures::{ClassFigures, Report};
use super::little::{self, ReportError, in_system};
use super::measure::{is_starved, mean, service_us, span_us};
use super::tally::{Tally, count, curve, latency};
use super::timeline::timeline;

/// Reports on the runs of `plan` over one workload, each under a seed of its own.
///
/// Times are of all runs' tasks together, rates are means over the runs. `workload` may be that of any of the seeds:
/// its classes and clients are read, its tasks are not. Each record's class is one of them.
///
/// # Errors
///
/// Where there are no tasks, and where a run contradicts Little's law: its figures would mean nothing.
pub fn summarise(plan: &Plan, workload: &Workload, runs: &[Run]) -> Result<Report, ReportError> {
    let policy = &plan.policy;
    let first = runs
        .first()
        .ok_or_else(|| little::no_tasks(policy, &workload.name))?;
    runs.iter()
        .enumerate()
        .try_for_each(|run| little::check(policy, &workload.name, run))?;

    let all = Tally::of(workload, runs, |_| true);
    let ended = |end: End| runs.iter().map(|run| count(run, |r| r.end == end)).sum();
    let starved = |run| count(run, |record| is_starved(&workload.classes[record.class], record));
    Ok(Report {
        policy: policy.to_owned(),
        workload: workload.name.clone(),
        load: workload.load,
        seeds: runs.len(),
        slots: first.slots,
        served_by: plan.served_by(),
        tasks: runs.iter().map(|run| run.records.len()).sum(),
        latency: latency(&all.times_us),
        wait: latency(&all.waits_us),
        throughput_per_s: all.per_s,
        slo_attained: all.slo_attained().unwrap_or(0.0),
        jain: mean(runs, |run| jain(workload, run)),
        bypass_max: runs.iter().map(|run| run.bypass_max).max().unwrap_or(0),
        in_system: mean(runs, in_system),
        utilisation: mean(runs, utilisation),
        starved: runs.iter().map(starved).sum(),
        dropped: ended(End::Dropped),
        parked: ended(End::Parked),
        classes: classes(workload, runs, all.service_us),
        tenants: tenants(workload, runs),
        curve: curve(&all.times_us),
        timeline: timeline(workload, first),
    })
}

fn classes(workload: &Workload, runs: &[Run], service_us: u64) -> Vec<ClassFigures> {
    let figures = |(place, class): (usize, &WorkClass)| {
        let is_of = |record: &Record| record.class == place;
        let tally = Tally::of(workload, runs, is_of);
        let of_them = |is_so: &dyn Fn(&Record) -> bool| {
            let so = |run| count(run, |record| is_of(record) && is_so(record));
            runs.iter().map(so).sum()
        };
        ClassFigures {
            name: class.name.clone(),
            latency: latency(&tally.times_us),
            wait: latency(&tally.waits_us),
            tasks: of_them(&|_| true),
            given_up: of_them(&|record| record.end != End::Done),
            starved: of_them(&|record| is_starved(class, record)),
            throughput_per_s: tally.per_s,
            share: tally.service_us as f64 / service_us.max(1) as f64,
            slo_ms: class.slo_ms,
            slo_attained: tally.slo_attained(),
        }
    };
    workload.classes.iter().enumerate().map(figures).collect()
}

/// Busy time of the slots over all their time.
fn utilisation(run: &Run) -> f64 {
    let busy_us: u64 = run.records.iter().map(|record| service_us(run, record)).sum();
    busy_us as f64 / (f64::from(run.slots.max(1)) * span_us(run) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::report::sample::{plan, report, runs, workload};
    use crate::sim::report::{Latency, TenantFigures};

    #[test]
    fn the_figures_are_those_that_a_hand_works_out() {
        let report = report("fifo");

        // Done after 10, 20 and 60 ms in the first run, after 30 in the second.
        let latency = Latency {
            mean_ms: 30.0,
            p50_ms: 20.0,
            p99_ms: 60.0,
        };
        assert_eq!(report.latency, Some(latency));
        // 3 in 100 ms, 1 in 50 ms.
        assert_eq!(report.throughput_per_s, f64::midpoint(30.0, 20.0));
        // Of six tasks, two were done too late, and two were not done.
        assert_eq!(report.slo_attained, 2.0 / 6.0);
        // Tenant 1 had 10 + 20 ms, tenant 2 had 10 ms; then tenant 1 had 30 and tenant 2 nothing.
        assert_eq!(report.jain, f64::midpoint(1600.0 / (2.0 * 1000.0), 0.5));
        assert_eq!(report.bypass_max, 5);
        // (10 + 20 + 60 + 10) / 100, then (30 + 5) / 50.
        assert_eq!(report.in_system, f64::midpoint(1.0, 0.7));
        // 40 ms of 200, then 30 of 100.
        assert_eq!(report.utilisation, f64::midpoint(0.2, 0.3));
        assert_eq!((report.starved, report.dropped, report.parked), (1, 1, 1));
        assert_eq!((report.seeds, report.slots, report.load), (2, 2, Some(0.5)));
        assert_eq!((report.tasks, report.served_by), (6, plan("fifo").served_by()));
    }

    #[test]
    fn each_class_has_its_own_figures_in_the_workloads_order() {
        let report = report("fifo");
        let [chat, batch] = report.classes.as_slice() else {
            panic!("two classes, not {:?}", report.classes);
        };

        assert_eq!((chat.name.as_str(), chat.slo_ms), ("chat", 25));
        assert_eq!(chat.latency.map(|latency| latency.mean_ms), Some(20.0));
        // It started after 0, 10 and 0 ms.
        let wait = chat.wait.map(|wait| (wait.mean_ms, wait.p50_ms, wait.p99_ms));
        assert_eq!(wait, Some((10.0 / 3.0, 0.0, 10.0)));
        assert_eq!((chat.tasks, chat.given_up, chat.starved), (4, 1, 0));
        assert_eq!((batch.tasks, batch.given_up, batch.starved), (2, 1, 1));
        assert_eq!(chat.slo_attained, Some(2.0 / 4.0));
        assert_eq!(chat.throughput_per_s, 20.0);

        assert_eq!(batch.name, "batch");
        assert_eq!(batch.latency.map(|latency| latency.p99_ms), Some(60.0));
        assert_eq!((chat.share, batch.share), (50.0 / 70.0, 20.0 / 70.0));
    }

    #[test]
    fn each_tenant_has_its_own_figures() {
        let tenants = |tenant, service_ms, p99_ms| TenantFigures {
            tenant,
            service_ms,
            p99_ms: Some(p99_ms),
        };
        assert_eq!(
            report("fifo").tenants,
            [tenants(1, 30.0, 60.0), tenants(2, 5.0, 20.0)]
        );
    }

    #[test]
    fn runs_that_dropped_everything_have_no_latency() {
        let mut runs = runs();
        for record in runs.iter_mut().flat_map(|run| &mut run.records) {
            record.end = End::Dropped;
        }
        let report = summarise(&plan("edf"), &workload(), &runs).expect("time in system is as it was");

        assert_eq!((report.latency, report.curve.len()), (None, 0));
        assert_eq!((report.throughput_per_s, report.slo_attained), (0.0, 0.0));
        assert_eq!(report.dropped, 6);
    }

    #[test]
    fn no_runs_are_refused() {
        assert_eq!(
            summarise(&plan("fifo"), &workload(), &[]),
            Err(little::no_tasks("fifo", "steady"))
        );
    }

    #[test]
    fn one_bad_run_among_good_ones_is_refused() {
        let mut runs = runs();
        runs[1].in_system_us *= 1.03;
        let refusal = summarise(&plan("fifo"), &workload(), &runs);

        assert!(
            matches!(refusal, Err(ReportError::LittlesLaw { run: 2, .. })),
            "{refusal:?}"
        );
    }
}
