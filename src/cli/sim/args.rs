//! The flags of `sim`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::RangedI64ValueParser;
use clap::{ArgGroup, Subcommand};

use super::numbers::{cv, load, round_trip};
use super::policies::Choice;
use super::{runs, show, tune};
use crate::cli::exit::{Exit, Stop};
use crate::cli::session::Session;
use crate::sim::Hints;
use crate::sim::plan::{Mesh, Mode};
use crate::sim::report::text::counted;
use crate::sim::workload::{Kind, Length, Presence, Spec, Trace};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    simulate: Simulate,
    #[command(subcommand)]
    command: Option<Command>,
}

/// So that the seeds of every search and of what judges it are numbers still.
const FIRST_SEED_MAX: i64 = i64::MAX / 2;

#[derive(Subcommand)]
enum Command {
    /// Search weights that do better on a workload, and judge them on seeds the search has not seen
    Tune(Box<tune::Args>),
}

/// What to run, and on what.
#[derive(clap::Args)]
#[command(group = ArgGroup::new("arrivals"))]
pub(super) struct Simulate {
    #[command(flatten)]
    pub(super) arrivals: Arrivals,
    /// Policies to compare, separated by commas: fifo, strict, weighted, edf (or edf:serve, edf:park), aging, score,
    /// mlfq, or files of policy documents
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "fifo,strict,weighted,edf,aging,score,mlfq"
    )]
    #[arg(value_name = "LIST", hide_default_value = true)]
    pub(super) policy: Vec<String>,
    #[command(flatten)]
    pub(super) by: By,
    /// Say why for the first N picks of the first policy, instead of a report
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) explain: Option<u32>,
}

/// What arrives.
#[derive(clap::Args)]
pub(super) struct Arrivals {
    /// reference, code, conv, mix, flood or tenants
    #[arg(long, default_value = "mix", value_name = "NAME", group = "arrivals")]
    workload: Kind,
    /// A recorded trace: CSV with TIMESTAMP,ContextTokens,GeneratedTokens and, if wanted, Class, ServiceMs and Tenant, as
    /// `fairlane trace export` writes it
    #[arg(long, value_name = "FILE", group = "arrivals")]
    trace: Option<PathBuf>,
    /// Offered work over capacity, 0.001 to 100; of flood and tenants that of those who do not flood
    #[arg(long, value_name = "X", value_parser = load, allow_negative_numbers = true)]
    load: Option<f64>,
    /// Tasks that arrive
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "seconds",
        allow_negative_numbers = true
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    tasks: Option<u32>,
    /// How long tasks arrive
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    #[arg(value_parser = RangedI64ValueParser::<u64>::new().range(1..=2_592_000))]
    seconds: Option<u64>,
    /// Spread of the gaps between arrivals: standard deviation over mean, 0.1 to 10, of mix
    #[arg(long, value_name = "X", value_parser = cv, allow_negative_numbers = true)]
    cv: Option<f64>,
    /// The same without whoever floods, of flood and tenants
    #[arg(long)]
    without: bool,
    /// Runs, each under a seed of its own
    #[arg(long, default_value_t = 3, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = RangedI64ValueParser::<u64>::new().range(1..=1000))]
    seeds: u64,
    /// The first of these seeds
    #[arg(long, default_value_t = 1, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = RangedI64ValueParser::<u64>::new().range(0..=FIRST_SEED_MAX))]
    first_seed: u64,
}

/// Who serves it.
#[derive(clap::Args)]
pub(super) struct By {
    /// One scheduler that knows every queue, instead of workers
    #[arg(long, conflicts_with_all = ["workers", "rtt", "crashes", "ack_wait_ms", "slow"])]
    ideal: bool,
    /// Workers, each with slots and balances of its own
    #[arg(long, default_value_t = 1, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: u32,
    /// Slots of each worker, or of the one scheduler; by default the workload's are divided over them
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=4096))]
    slots: Option<u32>,
    /// From a pull to its answer, such as 500us or 20ms
    #[arg(long, default_value = "500us", value_name = "TIME", value_parser = round_trip, allow_hyphen_values = true)]
    rtt: Duration,
    /// Workers that die, at random times
    #[arg(long, default_value_t = 0, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=10_000))]
    crashes: u32,
    /// Silence after which a dead worker's tasks are delivered again
    #[arg(
        long,
        default_value_t = 10_000,
        value_name = "MS",
        allow_negative_numbers = true
    )]
    #[arg(value_parser = RangedI64ValueParser::<u64>::new().range(1..=3_600_000))]
    ack_wait_ms: u64,
    /// Asks that the server is slow to read, in percent
    #[arg(
        long,
        default_value_t = 0,
        value_name = "PERCENT",
        allow_negative_numbers = true
    )]
    #[arg(value_parser = RangedI64ValueParser::<u64>::new().range(0..=100))]
    slow: u64,
    /// Tell schedulers what a predictor that errs says of each task's cost
    #[arg(long)]
    hints: bool,
}

impl By {
    pub(super) fn mode(&self) -> Mode {
        if self.ideal {
            return Mode::Ideal;
        }
        Mode::Mesh(Mesh {
            workers: self.workers,
            round_trip_us: u64::try_from(self.rtt.as_micros()).unwrap_or(u64::MAX),
            crashes: self.crashes,
            ack_wait_ms: self.ack_wait_ms,
            slow_percent: self.slow,
        })
    }

    pub(super) const fn hints(&self) -> Hints {
        if self.hints { Hints::ByTask } else { Hints::ByClass }
    }

    /// There is a slot for every worker.
    pub(super) fn check(&self, slots: u32) -> Result<(), Stop> {
        if self.ideal || self.workers <= slots {
            return Ok(());
        }
        Err(Stop::usage(format!(
            "{} workers share {}; give --slots, or fewer --workers",
            self.workers,
            counted(slots.into(), "slot")
        )))
    }
}

impl Arrivals {
    /// What is to be made for each seed; `by` says for how many slots.
    pub(super) fn spec(&self, by: &By) -> anyhow::Result<Spec> {
        let kind = match &self.trace {
            Some(file) => Kind::Trace(Trace::read(file).map_err(|error| Stop::usage(error.to_string()))?),
            None => self.workload.clone(),
        };
        let seconds = self.seconds.map(|s| Length::For(Duration::from_secs(s)));
        Ok(Spec {
            load: self.load,
            slots: by.slots.map(|slots| slots.saturating_mul(by.workers)),
            length: self.tasks.map(Length::Tasks).or(seconds),
            cv: self.cv,
            presence: if self.without {
                Presence::Without
            } else {
                Presence::With
            },
            ..Spec::new(kind)
        })
    }

    pub(super) fn seeds(&self) -> std::ops::Range<u64> {
        self.first_seed..self.first_seed.saturating_add(self.seeds)
    }
}

impl Args {
    /// Whether it makes a picture, where one is asked for.
    pub(in crate::cli) const fn draws(&self) -> bool {
        self.command.is_none() && self.simulate.explain.is_none()
    }
}

pub(in crate::cli) fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    match args.command {
        Some(Command::Tune(args)) => tune::run(&args, session),
        None => simulate(&args.simulate, session),
    }
}

fn simulate(args: &Simulate, session: &Session) -> anyhow::Result<Exit> {
    let spec = args.arrivals.spec(&args.by)?;
    let choices = Choice::read_all(&args.policy)?;
    if let Kind::Trace(trace) = &spec.kind {
        choices.iter().try_for_each(|choice| choice.check(trace))?;
    }
    let workloads = runs::workloads(&spec, &args.by, args.arrivals.seeds())?;
    if let Some(picks) = args.explain {
        return show::explain(&choices, &workloads, &args.by, picks, session);
    }
    let reports = runs::reports(&choices, &workloads, &args.by)?;
    show::reports(&reports, session)?;
    Ok(Exit::Ok)
}
