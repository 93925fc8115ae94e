//! Runs, over as many processors as there are.

use std::num::NonZero;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::ProgressBar;

use super::args::By;
use super::policies::Choice;
use crate::cli::exit::Stop;
use crate::sim;
use crate::sim::plan::Plan;
use crate::sim::record::Run;
use crate::sim::report::{Report, ReportError, summarise};
use crate::sim::workload::{Spec, Workload, build};

/// The workload under each seed, with a slot for each worker.
pub(super) fn workloads(spec: &Spec, by: &By, seeds: Range<u64>) -> Result<Vec<(u64, Workload)>, Stop> {
    let workload = |seed| {
        let workload = build(spec, seed).map_err(|error| Stop::usage(error.to_string()))?;
        by.check(workload.slots)?;
        Ok((seed, workload))
    };
    seeds.map(workload).collect()
}

/// One report for each policy, in their order.
pub(super) fn reports(
    choices: &[Choice],
    workloads: &[(u64, Workload)],
    by: &By,
) -> anyhow::Result<Vec<Report>> {
    let plans: Vec<Vec<Plan>> = choices
        .iter()
        .map(|choice| {
            let plan = |(_, workload): &(u64, Workload)| choice.plan(workload, by);
            workloads.iter().map(plan).collect()
        })
        .collect();
    let bar = ProgressBar::new((plans.len() * workloads.len()) as u64);
    let runs = all(&plans, workloads, &bar);
    bar.finish_and_clear();
    plans
        .iter()
        .zip(runs.chunks(workloads.len()))
        .map(|(plans, runs)| summarise(&plans[0], &workloads[0].1, runs).map_err(stopped))
        .collect()
}

/// What another flag mends is a matter of usage.
fn stopped(error: ReportError) -> anyhow::Error {
    match error {
        ReportError::NoTasks { .. } | ReportError::LittlesLaw { is_whole: false, .. } => {
            Stop::usage(error.to_string()).into()
        }
        ReportError::LittlesLaw { is_whole: true, .. } => error.into(),
    }
}

/// Every policy over every workload; the result does not depend on how many threads there are.
fn all(plans: &[Vec<Plan>], workloads: &[(u64, Workload)], bar: &ProgressBar) -> Vec<Run> {
    let count = plans.len() * workloads.len();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(count)));
    let threads = std::thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(count);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return;
                    }
                    let (plan, (seed, workload)) = (at / workloads.len(), &workloads[at % workloads.len()]);
                    let run = sim::run(workload, &plans[plan][at % workloads.len()], *seed);
                    bar.inc(1);
                    if let Ok(mut done) = done.lock() {
                        done.push((at, run));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, run)| run).collect()
}
