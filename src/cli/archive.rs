//! `archive`: tasks that were parked, and taking them out.

use clap::Subcommand;

use super::exit::Exit;
use super::session::Session;
use super::shelf::{discard, ls, replay};
use crate::broker::shelf::Shelf;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List parked tasks, oldest first
    Ls(ls::Args),
    /// Put parked tasks back on their lanes
    Replay(replay::Args),
    /// Throw parked tasks away; they end as cancelled
    Discard(discard::Args),
}

pub(super) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    let shelf = Shelf::Archive;
    match args.command {
        Command::Ls(args) => ls::run(&args, session, shelf, ("parked", "parked_at")).await,
        Command::Replay(args) => replay::run(&args, session, shelf).await,
        Command::Discard(args) => discard::run(&args, session, shelf).await,
    }
}
