//! One run.

use super::plan::{Mode, Plan};
use super::record::Run;
use super::workload::Workload;
use super::{ideal, mesh};

/// Runs `plan` over `workload`. The same arguments give the same run.
#[must_use]
pub fn run(workload: &Workload, plan: &Plan, seed: u64) -> Run {
    match &plan.mode {
        Mode::Ideal => ideal::run(workload, plan),
        Mode::Mesh(mesh) => mesh::run(workload, plan, mesh, seed),
    }
}
