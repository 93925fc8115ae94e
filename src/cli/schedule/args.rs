//! The commands under `schedule`.

use clap::Subcommand;

use super::{add, change, ls};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::config::Raw;
use crate::task::TenantId;

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show schedules and when they fire next
    Ls,
    /// Add a schedule; the same again changes nothing
    Add(Box<add::Args>),
    /// Hold a schedule back; firings meanwhile are left out
    Pause(Named),
    /// Let a schedule fire again
    Resume(Named),
    /// Remove a schedule; what it has fired stays
    Rm(Named),
}

/// Which schedule.
#[derive(clap::Args)]
pub(super) struct Named {
    /// Its name
    pub(super) name: String,
    /// Whose it is
    #[arg(long, value_name = "NAME")]
    pub(super) tenant: Option<TenantId>,
}

impl Args {
    pub(in crate::cli) fn fill(&self, raw: &mut Raw) {
        if let Command::Add(args) = &self.command {
            args.fill(raw);
        }
    }
}

pub(in crate::cli) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    match args.command {
        Command::Ls => ls::run(session).await,
        Command::Add(args) => add::run(&args, session).await,
        Command::Pause(named) => change::hold(&named, true, session).await,
        Command::Resume(named) => change::hold(&named, false, session).await,
        Command::Rm(named) => change::remove(&named, session).await,
    }
}
