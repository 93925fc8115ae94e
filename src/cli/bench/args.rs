//! The commands under `bench`.

use clap::Subcommand;

use super::throughput::Bench;
use super::{batch, cancel, failing, priority, rates, retries, rollout, tenants, throughput};
use crate::bench::SLOTS;
use crate::cli::exit::Exit;
use crate::cli::flags;
use crate::cli::session::Session;
use crate::config::Raw;
use crate::metrics::Exposition;

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
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
    /// A class alone, in turn with the same beside one whose tasks all fail
    Failing(failing::Args),
    /// The core lane alone, in turn with the same beside a flooded normal lane
    Priority(priority::Args),
    /// Many retries due at about the same time, over a restart of everything
    Retries(retries::Args),
    /// The time from a cancel to the next task on the same slot
    Cancel(cancel::Args),
    /// Embeddings with one task in a run of the model, in turn with many
    Batch(batch::Args),
    /// The tenants of a class alone, in turn with the same beside one that floods it
    Tenants(tenants::Args),
    /// A rate of 50/s over 1, 4 and 16 workers and some that come and go, and what it costs a class without one
    Rates(rates::Args),
    /// A policy on trial that does harm, or none: how it ends, and when
    Rollout(rollout::Args),
}

#[derive(clap::Args)]
pub(super) struct Size {
    /// Tasks in each run
    #[arg(long, default_value_t = 20_000, value_name = "N", value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub(super) tasks: u32,
}

impl Args {
    /// Whether it makes a picture, where one is asked for.
    pub(in crate::cli) const fn draws(&self) -> bool {
        matches!(self.command, Command::Rollout(_))
    }

    pub(in crate::cli) fn fill(&self, raw: &mut Raw) {
        self.server.fill(raw);
        if let Command::Batch(args) = &self.command {
            args.fill(raw);
        }
    }
}

pub(in crate::cli) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    // The mesh is measured as it runs: with its metrics on.
    Exposition::install()?;
    match args.command {
        Command::Floor { size } => throughput::floor(&Bench::new(session, &size, SLOTS)?).await,
        Command::E2e { size, pairs, slots } => {
            throughput::e2e(&Bench::new(session, &size, slots)?, pairs).await
        }
        Command::Failing(args) => failing::run(&args, session).await,
        Command::Priority(args) => priority::run(&args, session).await,
        Command::Retries(args) => retries::run(&args, session).await,
        Command::Cancel(args) => cancel::run(&args, session).await,
        Command::Batch(args) => batch::run(&args, session).await,
        Command::Tenants(args) => tenants::run(&args, session).await,
        Command::Rates(args) => rates::run(&args, session).await,
        Command::Rollout(args) => rollout::run(&args, session).await,
    }
}
