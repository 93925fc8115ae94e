//! The commands under `worker`.

use clap::Subcommand;

use super::{order, show};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::task::WorkerId;
use crate::wire::Order;

#[derive(Subcommand)]
pub(in crate::cli) enum Command {
    /// Show the workers there are
    Ls,
    /// Show one worker
    Get(Named),
    /// Let a worker finish what it runs and take nothing new; it forgets that when it restarts
    Cordon(Named),
    /// Let a worker take tasks again
    Uncordon(Named),
    /// Stop a worker as SIGTERM does: it finishes what it runs
    Drain(Named),
}

#[derive(clap::Args)]
pub(in crate::cli) struct Named {
    /// Its name, as in `worker ls`
    #[arg(value_name = "ID")]
    pub(super) id: WorkerId,
}

pub(in crate::cli) async fn run(command: Command, session: &Session) -> anyhow::Result<Exit> {
    match command {
        Command::Ls => show::ls(session).await,
        Command::Get(named) => show::get(&named.id, session).await,
        Command::Cordon(named) => order::send(&named.id, Order::Cordon, session).await,
        Command::Uncordon(named) => order::send(&named.id, Order::Uncordon, session).await,
        Command::Drain(named) => order::send(&named.id, Order::Drain, session).await,
    }
}
