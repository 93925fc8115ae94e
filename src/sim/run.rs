//! One run, or why its picks came out as they did.

use super::plan::{Mode, Plan};
use super::record::Run;
use super::workload::Workload;
use super::{ideal, mesh};
use crate::scheduler::intake::{Answer, Event};
use crate::task::Moment;

/// Runs `plan` over `workload`. The same arguments give the same run.
#[must_use]
pub fn run(workload: &Workload, plan: &Plan, seed: u64) -> Run {
    match &plan.mode {
        Mode::Ideal => ideal::run(workload, plan),
        Mode::Mesh(mesh) => mesh::run(workload, plan, mesh, seed),
    }
}

/// Everything that the intake of the first of the workers was told, when, and what it answered; none where no workers
/// are simulated. Where it dies, what the one that comes up in its place was told follows.
#[must_use]
pub fn log(workload: &Workload, plan: &Plan, seed: u64) -> Vec<(Moment, Event, Answer)> {
    match &plan.mode {
        Mode::Ideal => Vec::new(),
        Mode::Mesh(mesh) => mesh::log(workload, plan, mesh, seed),
    }
}

/// Why the first `most` picks came out as they did, of the first worker where there are several: one line each.
#[must_use]
pub fn explain(workload: &Workload, plan: &Plan, seed: u64, most: usize) -> Vec<String> {
    let mut lines = match &plan.mode {
        Mode::Ideal => ideal::reasons(workload, plan),
        Mode::Mesh(mesh) => mesh::reasons(workload, plan, mesh, seed),
    };
    lines.truncate(most);
    lines
}
