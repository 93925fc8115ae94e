//! The tree of `policy`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{ab, apply, read, replay, rollout, shadow, show, validate};
use crate::cli::exit::Exit;
use crate::cli::session::Session;

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a document and print every fault of it
    ///
    /// Needs no server. Exits with 1 when there is a fault.
    Validate {
        /// The policy, in YAML; - for stdin
        file: PathBuf,
    },
    /// Make a document hold in the whole mesh
    ///
    /// What holds already is not applied again. Exits with 0 when the document holds, whether it did before or not; with 1
    /// when it is faulty; with 3 when somebody else changed the policy meanwhile.
    Apply(apply::Args),
    /// Make an earlier version hold again, under a number of its own
    ///
    /// Exits as `policy apply` does; with 4 when there is no such version.
    Rollback(apply::RollbackArgs),
    /// The document that holds, or an earlier version of it
    Get(show::GetArgs),
    /// Every version that is stored, the latest first
    History,
    /// What changes from one document to another, in words
    Diff(read::DiffArgs),
    /// Every option with the value that counts, and where that comes from
    Explain(read::ExplainArgs),
    /// The JSON Schema of policy documents, for editors
    Schema,
    /// What a policy would have done to recorded tasks, beside the one that holds
    ///
    /// Replays a trace at its own pace in the simulator. Exits with 1 when a figure is worse than it may be, with 3 when one of the
    /// two policies lacks a class of the trace.
    Replay(replay::Args),
    /// Try a policy on a part of the tasks: more of them step by step, or back by itself
    ///
    /// Exits as `policy apply` does; with 3 also when a replay finds it worse; with 4 when none is on trial, or no policy was
    /// applied yet.
    Rollout(rollout::Args),
    /// Ask a policy at every pick what it would do, without obeying it
    ///
    /// Exits as `policy apply` does; with 4 when none is asked, or no policy was applied yet.
    Shadow(shadow::Args),
    /// Compare a policy with the one that holds, on tasks of the same time: by how much they differ, and how sure that is
    ///
    /// Changes nothing in the end. Exits as `policy apply` does; with 4 when none is on trial, or no policy was applied yet.
    Ab(ab::Args),
}

pub(in crate::cli) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    match args.command {
        Command::Validate { file } => validate::run(&file, session),
        Command::Apply(args) => apply::run(&args, session).await,
        Command::Rollback(args) => apply::roll_back(&args, session).await,
        Command::Get(args) => show::get(&args, session).await,
        Command::History => show::history(session).await,
        Command::Diff(args) => read::run_diff(&args, session).await,
        Command::Explain(args) => read::run_explain(&args, session).await,
        Command::Schema => read::run_schema(session),
        Command::Replay(args) => replay::run(&args, session).await,
        Command::Rollout(args) => rollout::run(&args, session).await,
        Command::Shadow(args) => shadow::run(&args, session).await,
        Command::Ab(args) => ab::run(&args, session).await,
    }
}
