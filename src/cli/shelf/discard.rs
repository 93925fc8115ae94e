//! Throws away what lies aside.

use anyhow::Context;
use serde_json::json;

use super::choice::{Choice, again};
use super::replay::{dry_run, progress};
use crate::broker::shelf::Shelf;
use crate::cli::exit::{Exit, Stop};
use crate::cli::session::Session;

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// They cannot be had back
    #[arg(long)]
    yes: bool,
}

pub(in crate::cli) async fn run(args: &Args, session: &Session, shelf: Shelf) -> anyhow::Result<Exit> {
    args.choice.check()?;
    if !args.yes && !args.choice.dry_run {
        let what = "what is discarded cannot be had back; look with --dry-run, then give --yes";
        return Err(Stop::refused(what).into());
    }
    let broker = session.connect().await?;
    let items = args.choice.find(&broker, shelf).await?;
    if args.choice.dry_run {
        return dry_run(session, &items, "discard");
    }
    let bar = progress(items.len());
    let mut discarded = 0_u64;
    for item in &items {
        // One that is gone was taken by somebody else.
        if let Some(kept) = again(&broker, shelf, item).await? {
            broker.throw_away(shelf, &kept).await.with_context(|| {
                format!(
                    "stopped at task {} after {discarded} were discarded",
                    item.task_id
                )
            })?;
            discarded += 1;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let shown = json!({"discarded": discarded});
    session
        .output
        .show(&shown, |_| format!("discarded {discarded}"))?;
    Ok(Exit::Ok)
}
