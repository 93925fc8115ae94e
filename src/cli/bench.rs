//! `bench floor` and `bench e2e`: every run on a nats-server of its own.

use std::sync::Arc;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::exit::Exit;
use super::flags;
use super::output::table;
use super::role::dev::start_server;
use super::session::Session;
use crate::bench::{self, Conditions, Latency, Noop, Pair, Run, SLOTS, Started, Summary, Workload};
use crate::broker::floor::Tally;
use crate::config::Raw;
use crate::coordinator::CallbackOptions;
use crate::dev::{Mesh, MeshOptions, Server};
use crate::executor::{Executor, Executors};
use crate::lifecycle::Lifecycle;
use crate::metrics::Exposition;

/// Tasks per pull the floor is tried with; the fastest counts.
const FLOOR_PULLS: [usize; 3] = [200, 500, 1000];
/// Tasks of the run that measures the start latency: five seconds at its rate.
const START_TASKS: usize = 1000;
/// How long a stopped mesh may take to finish.
const GRACE: std::time::Duration = std::time::Duration::from_secs(10);

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    server: flags::Server,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A bare client loop: publish, deliver, fenced result, ack
    Floor {
        #[command(flatten)]
        size: Size,
    },
    /// The same through the mesh, in turn with the floor
    E2e {
        #[command(flatten)]
        size: Size,
        /// Pairs of runs, floor and mesh
        #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
        pairs: u32,
        /// Slots of the one worker
        #[arg(long, default_value_t = SLOTS, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
        slots: u32,
    },
}

#[derive(clap::Args)]
struct Size {
    /// Tasks in each run
    #[arg(long, default_value_t = 20_000, value_name = "N", value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    tasks: u32,
}

impl Args {
    pub(super) fn fill(&self, raw: &mut Raw) {
        self.server.fill(raw);
    }
}

pub(super) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    // The mesh is measured as it runs: with its metrics on.
    Exposition::install()?;
    match args.command {
        Command::Floor { size } => floor(&Bench::new(session, &size, SLOTS)?).await,
        Command::E2e { size, pairs, slots } => e2e(&Bench::new(session, &size, slots)?, pairs).await,
    }
}

struct Bench<'a> {
    session: &'a Session,
    workload: Workload,
    slots: u32,
}

async fn floor(bench: &Bench<'_>) -> anyhow::Result<Exit> {
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

async fn e2e(bench: &Bench<'_>, pairs: u32) -> anyhow::Result<Exit> {
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
    fn new(session: &'a Session, size: &Size, slots: u32) -> anyhow::Result<Self> {
        Ok(Self {
            session,
            workload: Workload::new(size.tasks as usize)?,
            slots,
        })
    }

    async fn floor(&self, pull: usize) -> anyhow::Result<Run> {
        // The same consumers as the mesh, and nobody else who pulls.
        let stage = Stage::set(self, &self.workload, None).await?;
        let run = bench::floor(&stage.mesh.broker, &self.workload, pull).await;
        stage.clear().await;
        Ok(run?)
    }

    async fn mesh(&self) -> anyhow::Result<Run> {
        let tally = Tally::new(self.workload.tasks);
        let stage = Stage::set(self, &self.workload, Some(Arc::new(Noop(tally.clone())))).await?;
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
        let stage = Stage::set(self, &workload, Some(started.clone())).await?;
        let latency = bench::start_latency(&stage.mesh.broker, &workload, &started).await;
        stage.clear().await;
        Ok(latency?)
    }
}

/// A fresh server with its streams and consumers, with or without a worker.
struct Stage {
    server: Server,
    mesh: Mesh,
    lifecycle: Lifecycle,
}

impl Stage {
    async fn set(
        bench: &Bench<'_>,
        workload: &Workload,
        executor: Option<Arc<dyn Executor>>,
    ) -> anyhow::Result<Self> {
        let server = start_server(bench.session, None, None).await?;
        let lifecycle = Lifecycle::new();
        let workers = u32::from(executor.is_some());
        let mut executors = Executors::new();
        if let Some(executor) = executor {
            executors.add(&workload.policy.models[0].name, executor);
        }
        let options = MeshOptions {
            nats_url: vec![server.url().to_owned()],
            nats_creds: None,
            policy: workload.policy.clone(),
            callbacks: CallbackOptions::default(),
            executors,
            workers,
            slots: bench.slots,
            name: "bench".to_owned(),
        };
        let mesh = Mesh::start(options, &lifecycle).await?;
        Ok(Self {
            server,
            mesh,
            lifecycle,
        })
    }

    async fn clear(self) {
        self.lifecycle.stop(GRACE).await;
        drop(self.mesh);
        self.server.stop().await;
    }
}

/// Drawn on a terminal only.
fn progress(steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {pos}/{len} {msg}");
    let bar = ProgressBar::new(steps);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}
