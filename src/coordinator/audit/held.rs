//! Safe copies of tasks whose move nobody finished.

use super::repaired::repaired;
use crate::broker::WriteError;
use crate::broker::fetch::decides;
use crate::broker::moving::HeldCopy;
use crate::clock;
use crate::coordinator::Coordinator;
use crate::metrics::Repair;
use crate::wire::Held;

/// Pages of one sweep: tasks that wait for others lie in between.
const PAGES_MAX: usize = 8;

/// Where the next sweep goes on.
#[derive(Default)]
pub(super) struct Moves {
    from: u64,
}

impl Moves {
    /// Finishes every move that was begun long enough ago, a part of what is held at a time.
    pub(super) async fn look(&mut self, of: &Coordinator) -> Result<(), WriteError> {
        let mut from = std::mem::take(&mut self.from).max(1);
        for _ in 0..PAGES_MAX {
            let page = of.broker.held_copies(from).await?;
            for copy in page.found {
                // Later ones are younger.
                if clock::wall().since(copy.stored_at) < of.audit_grace_ms {
                    return Ok(());
                }
                put_right(of, &copy).await?;
            }
            match page.next {
                Some(next) => from = next,
                None => return Ok(()),
            }
        }
        self.from = from;
        Ok(())
    }
}

async fn put_right(of: &Coordinator, copy: &HeldCopy) -> Result<(), WriteError> {
    match &copy.held {
        Ok(held) => finish(of, copy, held).await,
        // Only a foreign client can have put it there; whose it is and where it belongs is not known.
        Err(malformed) => {
            tracing::warn!(task.id = %malformed.task_id, what = malformed.what, "a safe copy cannot be read; it is left");
            Ok(())
        }
    }
}

async fn finish(of: &Coordinator, copy: &HeldCopy, held: &Held) -> Result<(), WriteError> {
    let task = &held.task;
    let ended = of.broker.fence(&task.id).await?;
    let later = of.broker.waiting(&task.id).await?;
    let is_past = ended.is_some_and(|record| decides(&record, task.fence))
        || later.is_some_and(|waiting| waiting.task.hop >= task.hop);
    let what = if is_past {
        of.broker.release(copy.sequence).await?;
        "its safe copy was left behind by a move, and was let go"
    } else {
        of.broker.move_held(held, copy.sequence, &copy.original).await?;
        "its move to another lane was not finished, and is now"
    };
    repaired(of, Repair::Moved, task, what).await;
    Ok(())
}
