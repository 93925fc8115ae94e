//! The tree of commands. A new command is a variant here, its settings in [`Command::fill`], a line
//! in [`Command::run`] and a file beside this one.

use clap::{Parser, Subcommand};

use super::dlq;
use super::exit::Exit;
use super::flags::Global;
use super::policy;
use super::session::Session;
use super::streams;
use super::task;
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
    /// Submit tasks and see what becomes of them
    Task(task::Args),
    /// Tasks that were given up
    Dlq(dlq::Args),
    /// Streams at the server: what must exist, what does
    Streams(streams::Args),
    /// Work on policy documents
    Policy(policy::Args),
}

impl Command {
    /// Puts the settings among this command's flags into `raw`.
    pub(super) fn fill(&self, raw: &mut Raw) {
        match self {
            Self::Task(args) => args.fill(raw),
            Self::Dlq(_) | Self::Streams(_) | Self::Policy(_) => (),
        }
    }

    pub(super) async fn run(self, session: &Session) -> anyhow::Result<Exit> {
        match self {
            Self::Task(args) => task::run(args, session).await,
            Self::Dlq(args) => dlq::run(args, session).await,
            Self::Streams(args) => streams::run(args, session).await,
            Self::Policy(args) => policy::run(args, session),
        }
    }
}
