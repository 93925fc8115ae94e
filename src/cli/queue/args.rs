//! The commands under `queue`.

use clap::Subcommand;

use super::{hold, ls};
use crate::cli::exit::Exit;
use crate::cli::session::Session;

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show what waits and what is out, per queue
    Ls,
    /// Deliver nothing more; what runs goes on
    Pause(hold::Args),
    /// Take a pause back
    Resume(hold::Args),
    /// Pause, and wait until nothing of it runs
    Drain(hold::DrainArgs),
}

pub(in crate::cli) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    match args.command {
        Command::Ls => ls::run(session).await,
        Command::Pause(args) => hold::pause(&args, session).await,
        Command::Resume(args) => hold::resume(&args, session).await,
        Command::Drain(args) => hold::drain(&args, session).await,
    }
}
