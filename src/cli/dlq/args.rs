//! The commands under `dlq`.

use clap::Subcommand;

use super::{edit, show};
use crate::broker::shelf::Shelf;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::shelf::{discard, ls, replay};

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
    /// Change a task before it is put back to work
    Edit(edit::Args),
    /// Put dead letters back on their lanes, to be executed as if new
    Replay(replay::Args),
    /// Throw dead letters away; their records stay
    Discard(discard::Args),
}

pub(in crate::cli) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    match args.command {
        Command::Ls(args) => ls::run(&args, session, Shelf::Dead, ("letters", "dead_at")).await,
        Command::Show(args) => show::run(&args, session).await,
        Command::Edit(args) => edit::run(&args, session).await,
        Command::Replay(args) => replay::run(&args, session, Shelf::Dead).await,
        Command::Discard(args) => discard::run(&args, session, Shelf::Dead).await,
    }
}
