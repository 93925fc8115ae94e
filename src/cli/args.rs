//! The tree of commands. A new command is a variant here, its settings in [`Command::fill`], a line
//! in [`Command::run`] and a file beside this one.

use clap::{Parser, Subcommand};

use super::archive;
use super::audit;
use super::bench;
use super::demo;
use super::dlq;
use super::drill;
use super::exit::Exit;
use super::flags::Global;
use super::queue;
use super::role::{coordinator, dev, gateway, worker};
use super::schedule;
use super::session::Session;
use super::sim;
use super::streams;
use super::task;
use super::trace;
use super::{doctor, policy};
use crate::config::Raw;

/// A priority task mesh for model inference on NATS JetStream
#[derive(Parser)]
#[command(
    name = "fairlane",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
#[command(after_help = "Exit codes: 0 ok, 1 error, 2 usage, 3 refused, 4 not found, 5 auth, 6 unavailable")]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub(super) enum Command {
    /// A whole mesh in one process, with a nats-server of its own
    ///
    /// With --nats it uses a running server instead.
    Dev(dev::Args),
    /// Take tasks over REST and NATS, and tell what became of them
    Gateway(gateway::Args),
    /// Pull tasks and run them; show workers and tell them what to do
    Worker(worker::Args),
    /// Make consumers, judge failures, find what nobody covers
    Coordinator(coordinator::Args),
    /// Show a whole mesh at work: real sentences through a real embedding model
    Demo(demo::Args),
    /// Measure the mesh against a bare client loop
    Bench(bench::Args),
    /// Kill parts of a mesh while it works, and count what is lost
    Drill(drill::Args),
    /// Compare scheduling policies on a virtual clock
    ///
    /// The scheduler that workers run, over made or recorded workloads. Needs no server.
    Sim(sim::Args),
    /// Submit tasks and see what becomes of them
    Task(task::Args),
    /// What ran, as a file that the simulator replays
    Trace(trace::Args),
    /// Tasks that come again and again
    Schedule(schedule::Args),
    /// Tasks that were given up
    Dlq(dlq::Args),
    /// Tasks that were parked
    Archive(archive::Args),
    /// What waits and runs, per class and lane; pause, resume, drain
    Queue(queue::Args),
    /// Streams at the server: what must exist, what does
    Streams(streams::Args),
    /// Check policies, make one hold, see and undo what was done
    Policy(policy::Args),
    /// Check that every task that was accepted has ended or is somewhere
    ///
    /// Exits with 1 when something is not as it should be.
    Audit(audit::Args),
    /// Check server, streams and room, and say what to do
    ///
    /// Exits with 1 when a check fails; warnings do not count.
    Doctor(doctor::Args),
}

impl Command {
    /// Puts the settings among this command's flags into `raw`.
    pub(super) fn fill(&self, raw: &mut Raw) {
        match self {
            Self::Dev(args) => args.fill(raw),
            Self::Gateway(args) => args.fill(raw),
            Self::Worker(args) => args.fill(raw),
            Self::Coordinator(args) => args.fill(raw),
            Self::Demo(args) => args.fill(raw),
            Self::Bench(args) => args.fill(raw),
            Self::Drill(args) => args.fill(raw),
            Self::Task(args) => args.fill(raw),
            Self::Schedule(args) => args.fill(raw),
            Self::Dlq(_)
            | Self::Archive(_)
            | Self::Queue(_)
            | Self::Sim(_)
            | Self::Streams(_)
            | Self::Trace(_)
            | Self::Policy(_)
            | Self::Audit(_)
            | Self::Doctor(_) => (),
        }
    }

    /// Whether it makes a picture, where one is asked for.
    pub(super) const fn draws(&self) -> bool {
        match self {
            Self::Sim(args) => args.draws(),
            Self::Bench(args) => args.draws(),
            _ => false,
        }
    }

    pub(super) async fn run(self, session: &Session) -> anyhow::Result<Exit> {
        match self {
            Self::Dev(args) => dev::run(args, session).await,
            Self::Gateway(args) => gateway::run(&args, session).await,
            Self::Worker(args) => worker::run(args, session).await,
            Self::Coordinator(_) => coordinator::run(session).await,
            Self::Demo(_) => demo::run(session).await,
            Self::Bench(args) => bench::run(args, session).await,
            Self::Drill(args) => drill::run(args, session).await,
            Self::Sim(args) => sim::run(args, session),
            Self::Task(args) => task::run(args, session).await,
            Self::Trace(args) => trace::run(args, session).await,
            Self::Schedule(args) => schedule::run(args, session).await,
            Self::Dlq(args) => dlq::run(args, session).await,
            Self::Archive(args) => archive::run(args, session).await,
            Self::Queue(args) => queue::run(args, session).await,
            Self::Streams(args) => streams::run(args, session).await,
            Self::Policy(args) => policy::run(args, session).await,
            Self::Audit(args) => audit::run(&args, session).await,
            Self::Doctor(args) => doctor::run(args, session).await,
        }
    }
}
