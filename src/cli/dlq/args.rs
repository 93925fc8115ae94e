//! The commands under `dlq`.

use clap::Subcommand;

use super::{ls, show};
use crate::cli::exit::Exit;
use crate::cli::session::Session;

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List dead letters, oldest first
    Ls(ls::Args),
    /// Print a task's dead letter: headers, history, error and body
    Show(show::Args),
}

pub(in crate::cli) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    match args.command {
        Command::Ls(args) => ls::run(&args, session).await,
        Command::Show(args) => show::run(&args, session).await,
    }
}
