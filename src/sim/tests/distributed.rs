//! Workers of one slot each beside one scheduler that knows all.

use crate::scheduler::rules::Rules;
use crate::sim::plan::{Mesh, Mode, Plan};
use crate::sim::record::Run;
use crate::sim::run;
use crate::sim::workload::{Job, Source, WorkClass, Workload};
use crate::task::Lane;

const SHARES: [u32; 4] = [40, 30, 20, 10];
const SERVICE_US: u64 = 100_000;
/// Tasks per slot, all classes together.
const TASKS: u32 = 400;
/// Tasks per slot after which every worker knows what they cost, which is five times what it is told at first.
const LEARNED: u64 = 40;
/// Service is looked at in steps of this.
const CELL_US: u64 = 10_000;

fn class(name: &str, share: u32) -> WorkClass {
    WorkClass {
        name: name.to_owned(),
        share,
        priority: 1,
        lane: Lane::Core,
        slo_ms: 1000,
        shards: 1,
        hand: 1,
    }
}

fn job(at_us: u64, class: usize) -> Job {
    Job {
        at_us,
        class,
        tenant: class as u32,
        service_us: SERVICE_US,
        hint_us: SERVICE_US,
        deadline_us: None,
        urgency: 0.0,
        business_weight: 0.0,
    }
}

fn workload(slots: u32, jobs: Vec<Job>) -> Workload {
    let names = ["urgent", "b", "c", "d"];
    Workload {
        name: "even".to_owned(),
        load: None,
        slots,
        classes: std::iter::zip(names, SHARES)
            .map(|(name, share)| class(name, share))
            .collect(),
        end_us: jobs.last().map_or(0, |job| job.at_us),
        source: Source::Open(jobs),
        warmup_us: 0,
    }
}

/// Everything is there from the start, each class with as much work as it has share.
fn backlog(slots: u32) -> Workload {
    let count = |share: u32| slots * TASKS * share / 100;
    let jobs = (0..4).flat_map(|at| std::iter::repeat_n(job(0, at), count(SHARES[at]) as usize));
    workload(slots, jobs.collect())
}

/// The same without the first class, whose tasks come now and then.
fn now_and_then(slots: u32) -> Workload {
    let Workload { source, .. } = backlog(slots);
    let Source::Open(mut jobs) = source else {
        panic!("it is an open loop");
    };
    jobs.retain(|job| job.class != 0);
    let until_us = u64::from(TASKS) * SERVICE_US / 2;
    // Every 37 ms, so at all phases of the others' tasks; a tenth of one slot's time per slot.
    let gap_us = 10 * SERVICE_US / u64::from(slots) + 37_000 / u64::from(slots);
    let mut at_us = 1_000_000;
    while at_us < until_us {
        jobs.push(job(at_us, 0));
        at_us += gap_us;
    }
    jobs.sort_by_key(|job| job.at_us);
    workload(slots, jobs)
}

fn run_by(workload: &Workload, mode: Mode, seed: u64) -> Run {
    run(workload, &Plan::of(Rules::default(), workload, mode), seed)
}

/// Service of each class, cell by cell of the time, in µs.
fn cells(run: &Run) -> Vec<[u64; 4]> {
    let count = run.to_us.div_ceil(CELL_US) as usize;
    let mut cells = vec![[0; 4]; count];
    for record in &run.records {
        let from_us = record.started_us.expect("it was served");
        let first = (from_us / CELL_US) as usize;
        let last = (record.ended_us.div_ceil(CELL_US) as usize).min(count);
        for (at, cell) in cells.iter_mut().enumerate().take(last).skip(first) {
            let (begins_us, ends_us) = (at as u64 * CELL_US, (at as u64 + 1) * CELL_US);
            cell[record.class] += record.ended_us.min(ends_us) - from_us.max(begins_us);
        }
    }
    cells
}

/// Points that the class furthest off is off its share.
fn off(cells: &[[u64; 4]]) -> f64 {
    let service = |class: usize| cells.iter().map(|cell| cell[class]).sum::<u64>() as f64;
    let all: f64 = (0..4).map(service).sum();
    let each = (0..4).map(|class| (100.0 * service(class) / all - f64::from(SHARES[class])).abs());
    each.fold(0.0, f64::max)
}

/// Points that the shares are off over all, and over the worst window of four service times.
fn shares_off(run: &Run) -> (f64, f64) {
    let cells = cells(run);
    // From where costs are learned to where a class may run dry.
    let counted = &cells[(LEARNED * SERVICE_US / CELL_US) as usize..cells.len() * 3 / 4];
    let windows = counted.windows((4 * SERVICE_US / CELL_US) as usize).map(off);
    (off(counted), windows.fold(0.0, f64::max))
}

fn urgent_p99_us(run: &Run) -> u64 {
    let urgent = run.records.iter().filter(|record| record.class == 0);
    let mut times: Vec<u64> = urgent.map(|record| record.ended_us - record.arrived_us).collect();
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

fn mesh(workers: u32) -> Mode {
    Mode::Mesh(Mesh {
        workers,
        ..Mesh::default()
    })
}

#[test]
fn workers_of_one_slot_keep_the_shares_of_one_scheduler_that_knows_all() {
    for slots in [1, 8, 64] {
        let workload = backlog(slots);
        let (_, ideal) = shares_off(&run_by(&workload, Mode::Ideal, 1));
        for seed in 1..=3 {
            let (all, worst) = shares_off(&run_by(&workload, mesh(slots), seed));
            println!(
                "{slots} workers, seed {seed}: off by {all:.2}, in a window by {worst:.1}, ideal {ideal:.1}"
            );
            assert!(all <= 2.0, "{slots} workers: {all:.2} points");
            // Four tasks of one slot cannot be divided 40/30/20/10 by anybody.
            let bound = if slots == 1 { ideal + 10.0 } else { 10.0 };
            assert!(worst <= bound, "{slots} workers: {worst:.1} points in a window");
        }
    }
}

#[test]
fn an_urgent_task_waits_for_workers_as_for_one_scheduler_that_knows_all() {
    for slots in [1, 8, 64] {
        let workload = now_and_then(slots);
        let ideal = urgent_p99_us(&run_by(&workload, Mode::Ideal, 1));
        for seed in 1..=3 {
            let found = urgent_p99_us(&run_by(&workload, mesh(slots), seed));
            let ratio = found as f64 / ideal as f64;
            println!("{slots} workers, seed {seed}: p99 {found} µs, ideal {ideal} µs, {ratio:.3}");
            assert!(ratio <= 1.25, "{slots} workers: {ratio:.3}");
        }
    }
}
