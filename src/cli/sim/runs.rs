//! Runs, over as many processors as there are.

use std::ops::Range;

use super::args::By;
use super::policies::Choice;
use crate::cli::exit::Stop;
use crate::cli::spread::spread;
use crate::sim;
use crate::sim::plan::Plan;
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
    let count = plans.len() * workloads.len();
    let runs = spread(count, |at| {
        let (plan, (seed, workload)) = (at / workloads.len(), &workloads[at % workloads.len()]);
        sim::run(workload, &plans[plan][at % workloads.len()], *seed)
    });
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
