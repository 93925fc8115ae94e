//! What is reported of one policy over one workload.

use crate::sim::plan::ServedBy;

/// The figures of one policy over one workload, over all runs together.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The policy's name.
    pub policy: String,
    /// The workload's name.
    pub workload: String,
    /// Offered work over capacity; none where clients wait for their answers.
    pub load: Option<f64>,
    /// Runs, each under a seed of its own; at least 1.
    pub seeds: usize,
    /// Slots of all workers together.
    pub slots: u32,
    /// Who served.
    pub served_by: ServedBy,
    /// Tasks that are counted, however they ended, over all runs.
    pub tasks: usize,
    /// Time in system of the tasks that were done; none where none was.
    pub latency: Option<Latency>,
    /// From arrival to start of the same tasks; none where none was done.
    pub wait: Option<Latency>,
    /// Tasks done per second; mean over the seeds.
    pub throughput_per_s: f64,
    /// Tasks done within their class's SLO over all tasks, 0 to 1.
    pub slo_attained: f64,
    /// Jain's fairness index of the tenants' service, 1/tenants to 1, where 1 is equal; mean over the seeds.
    pub jain: f64,
    /// Largest number of later tasks that started before one that was, meanwhile, the first of its queue, over all runs.
    pub bypass_max: u64,
    /// Tasks in the system, averaged over time; mean over the seeds.
    pub in_system: f64,
    /// Busy time of the slots over all their time, 0 to 1; mean over the seeds.
    pub utilisation: f64,
    /// Tasks that waited more than ten times their class's SLO before they started or were given up, over all runs.
    pub starved: usize,
    /// Tasks that were dropped, over all runs.
    pub dropped: usize,
    /// Tasks that were put aside, over all runs.
    pub parked: usize,
    /// Its classes, in the workload's order.
    pub classes: Vec<ClassFigures>,
    /// Its tenants, by number; empty where there are more than [`Report::TENANTS_MAX`].
    pub tenants: Vec<TenantFigures>,
    /// Distribution of the time in system, for the picture: time in ms and part of the done tasks that took no longer,
    /// 0.005 to 0.995 in even steps; empty where none was done.
    pub curve: Vec<(f64, f64)>,
    /// Service over the time of the first run, for the picture.
    pub timeline: Timeline,
}

impl Report {
    /// What became of tasks that somebody may miss, of which there was any: what it is called, and how many.
    pub(super) fn losses(&self) -> Vec<(&'static str, usize)> {
        let all = [
            ("dropped", self.dropped),
            ("parked", self.parked),
            ("starved", self.starved),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// So many of its tasks, as a part of all, 0 to 1.
    pub(super) fn part(&self, count: usize) -> f64 {
        count as f64 / self.tasks.max(1) as f64
    }

    /// Tenants up to which each has figures of its own: a list that can still be read.
    pub const TENANTS_MAX: usize = 64;
}

/// Quantiles of a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// Its mean, in ms.
    pub mean_ms: f64,
    /// Its median, in ms.
    pub p50_ms: f64,
    /// Its 99th percentile, in ms.
    pub p99_ms: f64,
}

/// The figures of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassFigures {
    /// Its name.
    pub name: String,
    /// Time in system of its tasks that were done; none where none was.
    pub latency: Option<Latency>,
    /// From arrival to start of the same tasks; none where none was done.
    pub wait: Option<Latency>,
    /// Its tasks that are counted, however they ended, over all runs.
    pub tasks: usize,
    /// Its tasks that were dropped or put aside, over all runs.
    pub given_up: usize,
    /// Its tasks that waited more than ten times its SLO before they started or were given up, over all runs.
    pub starved: usize,
    /// Its tasks done per second; mean over the seeds.
    pub throughput_per_s: f64,
    /// Its part of the service of all classes, 0 to 1.
    pub share: f64,
    /// Wait and service together that its tasks should keep to, in ms.
    pub slo_ms: u64,
    /// Its tasks done within that over all its tasks, 0 to 1; none where it had no task.
    pub slo_attained: Option<f64>,
}

/// The figures of one tenant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TenantFigures {
    /// Its number.
    pub tenant: u32,
    /// Service of its tasks that were done; mean over the seeds, in ms.
    pub service_ms: f64,
    /// Time in system of those tasks, 99th percentile, in ms; none where none was done.
    pub p99_ms: Option<f64>,
}

/// Service over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// How long a bucket is, in s.
    pub bucket_s: f64,
    /// For each class, in the workload's order, the part of all slots' time that it was served in each bucket, 0 to 1.
    pub classes: Vec<Vec<f64>>,
}
