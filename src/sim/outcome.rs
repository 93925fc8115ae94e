//! From the tasks of a simulation to what is reported of it.

use super::record::{Record, Run};
use super::task::Task;
use super::workload::{Source, Workload};

/// The time that is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from_us: u64,
    pub(super) to_us: u64,
    /// Integral of the number in the system over it.
    pub(super) in_system_us: f64,
}

/// Everything that is counted of a run.
pub(super) fn run_of(workload: &Workload, tasks: &[Task], span: Span) -> Run {
    let is_whole = matches!(workload.source, Source::Open(_));
    let ended = |task: &&Task| {
        task.finished_us
            .is_some_and(|at| (span.from_us..=span.to_us).contains(&at))
    };
    let mut counted: Vec<&Task> = match is_whole {
        true => tasks.iter().filter(|task| task.facts.is_counted).collect(),
        false => tasks.iter().filter(ended).collect(),
    };
    if !is_whole {
        counted.sort_by_key(|task| task.finished_us);
    }
    Run {
        records: counted.into_iter().filter_map(record).collect(),
        from_us: span.from_us,
        to_us: span.to_us,
        in_system_us: span.in_system_us,
        slots: workload.slots,
        bypass_max: bypass_max(tasks),
        is_whole,
    }
}

fn record(task: &Task) -> Option<Record> {
    Some(Record {
        class: task.facts.class,
        tenant: task.facts.tenant,
        arrived_us: task.arrived_us,
        started_us: task.started_us,
        ended_us: task.finished_us?,
        end: task.end,
        deliveries: u32::try_from(task.deliveries).unwrap_or(u32::MAX),
    })
}

/// The most tasks that came later and started earlier than one that was, meanwhile, the first of its queue.
fn bypass_max(tasks: &[Task]) -> u64 {
    let mut starts: Vec<&Task> = tasks.iter().filter(|task| task.started_us.is_some()).collect();
    starts.sort_by_key(|task| task.started_us);
    let queues = tasks.iter().map(|task| task.queue + 1).max().unwrap_or(0);
    // Where the last start of each queue stands in the order of all starts.
    let mut last: Vec<Option<usize>> = vec![None; queues];
    let mut most = 0;
    for (at, task) in starts.iter().enumerate() {
        let from = last[task.queue].map_or(0, |last| last + 1);
        let passed = starts[from..at]
            .iter()
            .filter(|other| other.arrived_us > task.arrived_us);
        most = most.max(passed.count() as u64);
        last[task.queue] = Some(at);
    }
    most
}

/// What each queue is called: its class, and its shard where there are several.
pub(super) fn queue_names(workload: &Workload) -> Vec<String> {
    let names = workload.classes.iter().flat_map(|class| {
        (0..class.shards.max(1)).map(move |shard| match class.shards {
            0 | 1 => class.name.clone(),
            _ => format!("{}/{shard}", class.name),
        })
    });
    names.collect()
}
