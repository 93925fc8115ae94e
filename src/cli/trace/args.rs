//! The tree of `trace`.

use clap::Subcommand;

use super::export;
use crate::cli::exit::Exit;
use crate::cli::session::Session;

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a trace of the tasks that have completed
    ///
    /// One line per task, with its arrival, class, execution time and tenant, in order of arrival: `fairlane policy replay`,
    /// `fairlane policy rollout --replay` and `fairlane sim --trace` read it. It is made of the results that the server
    /// still keeps. What is in it and what is not goes to stderr, or to stdout where the trace goes to a file; a note on
    /// stderr says where a replay would refuse the trace. Exits with 4 when no task fits.
    Export(export::Args),
}

pub(in crate::cli) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    match args.command {
        Command::Export(args) => export::run(&args, session).await,
    }
}
