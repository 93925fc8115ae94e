//! The commands under `task`.

use clap::Subcommand;

use super::{cancel, get, ls, result, submit, wait, why};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::config::Raw;

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Submit a task, or a file of them
    Submit(Box<submit::Args>),
    /// Show what is known of a task
    Get(get::Args),
    /// Say why a task has not started or ended yet, and when it will start
    Why(why::Args),
    /// End a task that has not ended
    Cancel(cancel::Args),
    /// List tasks, wherever they are
    Ls(ls::Args),
    /// Wait until a task has ended, and show how
    Wait(wait::Args),
    /// Print a task's output
    Result(result::Args),
}

impl Args {
    pub(in crate::cli) fn fill(&self, raw: &mut Raw) {
        match &self.command {
            Command::Submit(args) => args.fill(raw),
            Command::Why(args) => args.fill(raw),
            _ => (),
        }
    }
}

pub(in crate::cli) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    match args.command {
        Command::Submit(args) => submit::run(&args, session).await,
        Command::Get(args) => get::run(&args, session).await,
        Command::Why(args) => why::run(&args, session).await,
        Command::Cancel(args) => cancel::run(&args, session).await,
        Command::Ls(args) => ls::run(&args, session).await,
        Command::Wait(args) => wait::run(&args, session).await,
        Command::Result(args) => result::run(&args, session).await,
    }
}
