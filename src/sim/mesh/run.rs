//! A workload, run by workers.

use super::event::Event;
use super::setup::{ClassSetup, Dice, FAR, QueueSetup, Setup, Slow};
use super::world::World;
use crate::scheduler::intake::{Answer, Event as Told};
use crate::scheduler::rules::Between;
use crate::sim::ideal::COST_INITIAL_MS;
use crate::sim::outcome::{Span, queue_names, run_of};
use crate::sim::plan::{Mesh, Plan};
use crate::sim::record::Run;
use crate::sim::task::Facts;
use crate::sim::workload::{Source, Workload};
use crate::task::Moment;

/// When an intake was told what, and what it answered.
pub(in crate::sim) type Entry = (Moment, Told, Answer);

/// How often a leading coordinator looks queues over, in µs: 1 Hz, 4 Hz where heads are compared.
const SWEEP_US: u64 = 1_000_000;
const SWEEP_HEADS_US: u64 = 250_000;
/// Clients of a closed loop send their first task within this time, in µs.
const FIRST_US: u64 = 100_000;

/// Runs `plan` over `workload` with the workers of `mesh`.
pub(in crate::sim) fn run(workload: &Workload, plan: &Plan, mesh: &Mesh, seed: u64) -> Run {
    let mut world = World::new(setup(workload, plan, mesh, seed));
    serve(&mut world, workload, plan, mesh, seed)
}

/// Everything the first worker's intake was told and answered, and those of its successors after its deaths.
pub(in crate::sim) fn log(workload: &Workload, plan: &Plan, mesh: &Mesh, seed: u64) -> Vec<Entry> {
    let mut world = World::new(setup(workload, plan, mesh, seed));
    world.workers[0].log = Some(Vec::new());
    serve(&mut world, workload, plan, mesh, seed);
    world.workers[0].log.take().unwrap_or_default()
}

/// Why the first worker's picks came out as they did.
pub(in crate::sim) fn reasons(workload: &Workload, plan: &Plan, mesh: &Mesh, seed: u64) -> Vec<String> {
    let mut world = World::new(setup(workload, plan, mesh, seed));
    world.workers[0].explain(queue_names(workload));
    serve(&mut world, workload, plan, mesh, seed);
    world.workers[0].take_reasons()
}

fn serve(world: &mut World, workload: &Workload, plan: &Plan, mesh: &Mesh, seed: u64) -> Run {
    let mut dice = Dice(seed ^ 0x5eed);
    for _ in 0..mesh.crashes {
        let worker = dice.below(u64::from(mesh.workers)) as usize;
        let at_us = workload.warmup_us + dice.below(workload.end_us - workload.warmup_us);
        world.at(at_us, Event::Crash { worker });
    }
    match &workload.source {
        Source::Open(jobs) => {
            for job in jobs {
                world.submit(job.at_us, Facts::of_job(job, plan.hints, workload.warmup_us));
            }
            world.run_while(|world| !world.is_done());
            result(workload, world, 0.0)
        }
        Source::Closed(clients) => {
            world.clients_until_us = workload.end_us;
            for (at, client) in clients.iter().enumerate() {
                let facts = Facts::of_client(at, client);
                world.clients.push(facts);
                world.submit(dice.below(FIRST_US), facts);
            }
            world.run_while(|world| world.now_us < workload.warmup_us);
            let (began_us, before_us) = (world.now_us, world.in_system_us);
            world.run_while(|world| world.now_us < workload.end_us);
            let span = Span {
                from_us: began_us,
                to_us: world.now_us,
                in_system_us: world.in_system_us - before_us,
            };
            run_of(workload, &world.tasks, span)
        }
    }
}

fn result(workload: &Workload, world: &World, before_us: f64) -> Run {
    let last = world.tasks.iter().filter_map(|task| task.finished_us).max();
    let span = Span {
        from_us: workload.warmup_us,
        to_us: last.unwrap_or(world.now_us),
        in_system_us: world.in_system_us - before_us,
    };
    run_of(workload, &world.tasks, span)
}

fn setup(workload: &Workload, plan: &Plan, mesh: &Mesh, seed: u64) -> Setup {
    let compares = !matches!(plan.rules.between, Between::Weighted | Between::Strict { .. });
    let class = |(at, class): (usize, &crate::sim::plan::ClassPlan)| ClassSetup {
        terms: class.terms,
        estimate_ms: COST_INITIAL_MS,
        hand: workload.classes[at].hand,
        rate: class.rate,
    };
    let queues = |(at, class): (usize, &crate::sim::workload::WorkClass)| {
        let limit = plan.classes[at].max_concurrent;
        let queue = QueueSetup {
            class: at,
            lane: class.lane as u32,
            // A class's limit is the sum of its consumers'.
            limit: limit.map_or(FAR, |limit| (limit / u32::from(class.shards.max(1))).max(1)),
        };
        std::iter::repeat_n(queue, usize::from(class.shards.max(1)))
    };
    let (each, more) = (workload.slots / mesh.workers, workload.slots % mesh.workers);
    Setup {
        seed,
        latency_us: mesh.round_trip_us / 2,
        jitter_us: mesh.round_trip_us / 20,
        workers: (0..mesh.workers).map(|at| each + u32::from(at < more)).collect(),
        rules: plan.rules,
        classes: plan.classes.iter().enumerate().map(class).collect(),
        queues: workload.classes.iter().enumerate().flat_map(queues).collect(),
        slow: Slow {
            reading: mesh.slow_percent,
            serving: 0,
        },
        sweep_us: Some(if compares { SWEEP_HEADS_US } else { SWEEP_US }),
        ack_wait_us: mesh.ack_wait_ms * 1000,
    }
}
