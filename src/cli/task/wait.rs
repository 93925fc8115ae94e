//! `task wait`: until a task has ended.

use std::time::Duration;

use super::record;
use crate::broker::fetch::Stored;
use crate::broker::{Broker, RequestError};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::clock;
use crate::task::TaskId;
use crate::wire::ResultRecord;

/// How long to listen before looking again: what is published while the connection is lost is not heard.
const LISTEN: Duration = Duration::from_secs(30);
/// Looks in a row that may fail; each has its own time limit of some seconds.
const FAILED_MAX: u32 = 12;
/// Between a look that failed and the next.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(super) struct Args {
    /// Which task
    task_id: TaskId,
    /// How long to wait
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let found = until_ended(&broker, &args.task_id, Duration::from_secs(args.timeout)).await?;
    let found = found.ok_or_else(|| too_long(&args.task_id, args.timeout))?;
    session
        .output
        .show(&record::whole(&found), |_| record::text(&found))?;
    Ok(record::exit(&found))
}

/// The terminal record of a task, as soon as there is one; None when `limit` has passed.
pub(super) async fn until_ended(
    broker: &Broker,
    id: &TaskId,
    limit: Duration,
) -> Result<Option<Stored<ResultRecord>>, RequestError> {
    let started = clock::monotonic();
    // A server that never answered is a reason to stop at once, one that did will come back.
    let mut failed = FAILED_MAX;
    loop {
        let left = limit.saturating_sub(clock::monotonic().since(started));
        match broker.wait_for_result(id, left.min(LISTEN)).await {
            Ok(Some(found)) => return Ok(Some(found)),
            Ok(None) if left <= LISTEN => return Ok(None),
            Ok(None) => failed = 0,
            Err(error) if failed >= FAILED_MAX || left.is_zero() => return Err(error),
            Err(error) => {
                failed += 1;
                tracing::warn!(task.id = %id, %error, "cannot look for the result; trying again");
                tokio::time::sleep(PAUSE.min(left)).await;
            }
        }
    }
}

pub(super) fn too_long(id: &TaskId, seconds: u64) -> anyhow::Error {
    anyhow::anyhow!(
        "task {id} has no result after {seconds} s; it may still run: see `fairlane task get {id}`, or wait longer"
    )
}
