//! `bench floor` and `bench e2e`: every run on a nats-server of its own.

use std::sync::Arc;

use serde_json::json;

use super::args::Size;
use super::stage::{Stage, progress};
use crate::bench::{self, Conditions, Latency, Noop, Pair, Run, Started, Summary, Workload};
use crate::broker::floor::Tally;
use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::session::Session;

/// Tasks per pull the floor is tried with; the fastest counts.
const FLOOR_PULLS: [usize; 3] = [200, 500, 1000];
/// Tasks of the run that measures the start latency: five seconds at its rate.
const START_TASKS: usize = 1000;

pub(super) struct Bench<'a> {
    session: &'a Session,
    workload: Workload,
    slots: u32,
}

pub(super) async fn floor(bench: &Bench<'_>) -> anyhow::Result<Exit> {
    let progress = progress(FLOOR_PULLS.len() as u64);
    let mut rows = Vec::new();
    for pull in FLOOR_PULLS {
        progress.set_message(format!("floor, {pull} a pull"));
        rows.push((pull, bench.floor(pull).await?));
        progress.inc(1);
    }
    progress.finish_and_clear();
    let data: Vec<_> = rows
        .iter()
        .map(|(pull, run)| {
            json!({ "pull": pull, "tasks_per_s": run.tasks_per_s.round(), "publish_per_s": run.publish_per_s.round() })
        })
        .collect();
    bench.session.output.show(&data, |_| {
        let cells = |(pull, run): &(usize, Run)| {
            [
                pull.to_string(),
                format!("{:.0}", run.tasks_per_s),
                format!("{:.0}", run.publish_per_s),
            ]
        };
        table(["pull", "tasks/s", "published/s"], rows.iter().map(cells))
    })?;
    Ok(Exit::Ok)
}

pub(super) async fn e2e(bench: &Bench<'_>, pairs: u32) -> anyhow::Result<Exit> {
    let progress = progress(FLOOR_PULLS.len() as u64 + 2 * u64::from(pairs) + 1);
    let mut best = (0, 0.0);
    for pull in FLOOR_PULLS {
        progress.set_message(format!("finding the fastest floor: {pull} a pull"));
        let run = bench.floor(pull).await?;
        if run.tasks_per_s > best.1 {
            best = (pull, run.tasks_per_s);
        }
        progress.inc(1);
    }
    let mut measured = Vec::new();
    for pair in 1..=pairs {
        progress.set_message(format!("pair {pair} of {pairs}: floor"));
        let floor = bench.floor(best.0).await?;
        progress.inc(1);
        progress.set_message(format!("pair {pair} of {pairs}: mesh"));
        let mesh = bench.mesh().await?;
        progress.inc(1);
        measured.push(Pair { floor, mesh });
    }
    progress.set_message("start latency at 200 tasks/s");
    let start = bench.start().await?;
    progress.finish_and_clear();
    let conditions = Conditions {
        slots: bench.slots,
        floor_pull: best.0,
        tasks: bench.workload.tasks,
    };
    let summary = Summary::of(&measured, start, conditions);
    bench.session.output.line(&summary, text)?;
    Ok(Exit::Ok)
}

fn text(of: &Summary) -> String {
    let rows = [
        ["mesh, tasks/s".to_owned(), format!("{:.0}", of.tasks_per_s)],
        [
            "floor, tasks/s".to_owned(),
            format!("{:.0} ({} a pull)", of.floor_tasks_per_s, of.floor_pull),
        ],
        ["ratio, median".to_owned(), format!("{:.2}", of.ratio)],
        [
            "ratio, each pair".to_owned(),
            of.ratios
                .iter()
                .map(|r| format!("{r:.2}"))
                .collect::<Vec<_>>()
                .join(" "),
        ],
        ["published/s".to_owned(), format!("{:.0}", of.publish_per_s)],
        [
            "publish to start, p50".to_owned(),
            format!("{} µs", of.start_us_p50),
        ],
        [
            "publish to start, p99".to_owned(),
            format!("{} µs", of.start_us_p99),
        ],
        ["slots".to_owned(), of.slots.to_string()],
        ["sync_interval".to_owned(), of.sync_interval.to_owned()],
    ];
    table(["figure", "value"], rows)
}

impl<'a> Bench<'a> {
    pub(super) fn new(session: &'a Session, size: &Size, slots: u32) -> anyhow::Result<Self> {
        Ok(Self {
            session,
            workload: Workload::new(size.tasks as usize)?,
            slots,
        })
    }

    async fn floor(&self, pull: usize) -> anyhow::Result<Run> {
        // The same consumers as the mesh, and nobody else who pulls.
        let stage = Stage::set(self.session, &self.workload.policy).await?;
        let run = bench::floor(&stage.mesh.broker, &self.workload, pull).await;
        stage.clear().await;
        Ok(run?)
    }

    async fn mesh(&self) -> anyhow::Result<Run> {
        let tally = Tally::new(self.workload.tasks);
        let stage = Stage::set(self.session, &self.workload.policy).await?;
        stage.work(self.slots, Arc::new(Noop(tally.clone()))).await?;
        let run = bench::mesh(&stage.mesh.broker, &self.workload, tally).await;
        stage.clear().await;
        Ok(run?)
    }

    async fn start(&self) -> anyhow::Result<Latency> {
        let workload = Workload {
            tasks: START_TASKS,
            ..self.workload.clone()
        };
        let started = Started::new(&workload)?;
        let stage = Stage::set(self.session, &workload.policy).await?;
        stage.work(self.slots, started.clone()).await?;
        let latency = bench::start_latency(&stage.mesh.broker, &workload, &started).await;
        stage.clear().await;
        Ok(latency?)
    }
}
