//! Tasks the server has given up: delivered as often as it ever will, and by nobody answered.
//!
//! Workers give such a task up long before; this is for those that do not count.

use std::collections::HashSet;

use super::repaired::repaired;
use super::uncovered::identify;
use crate::broker::WriteError;
use crate::broker::raw::Raw;
use crate::broker::sweep::Consumed;
use crate::coordinator::Coordinator;
use crate::coordinator::bury::dead;
use crate::coordinator::judge::bare;
use crate::metrics::Repair;
use crate::task::{DeadReason, ErrorKind, Lane};

/// Pages of one sweep.
const PAGES_MAX: usize = 2;

/// Where the next sweep goes on, and what was found by counting: a task that is being acked is found so once at most.
#[derive(Default)]
pub(super) struct Undeliverable {
    told: u64,
    seen: HashSet<(Lane, u64)>,
}

impl Undeliverable {
    /// Makes dead letters of those the server tells of, a part of them at a time.
    pub(super) async fn hear(&mut self, of: &Coordinator) -> Result<(), WriteError> {
        for _ in 0..PAGES_MAX {
            let page = of.broker.given_up(self.told.max(1)).await?;
            for (lane, message) in &page.found {
                bury(of, *lane, message).await?;
            }
            match page.next {
                Some(next) => self.told = next,
                None => break,
            }
        }
        Ok(())
    }

    /// Makes dead letters of those that are missing from the count for the second time: what the server tells may be
    /// lost.
    pub(super) async fn count(&mut self, of: &Coordinator, lane: Lane) -> Result<(), WriteError> {
        let found = of.broker.uncounted(lane).await?;
        let before: HashSet<_> = self.seen.extract_if(|(seen, _)| *seen == lane).collect();
        for message in found {
            let place = (lane, message.sequence);
            if before.contains(&place) {
                bury(of, lane, &message).await?;
            } else {
                self.seen.insert(place);
            }
        }
        Ok(())
    }
}

async fn bury(of: &Coordinator, lane: Lane, message: &Raw) -> Result<(), WriteError> {
    let (task, _) = identify(of, lane, message)?;
    let what = "the server delivered it as often as it ever will, and nobody answered".to_owned();
    let report = bare(task, ErrorKind::SuspectedPoison, what);
    let (reason, at) = (DeadReason::Poison, message.stored_at);
    dead(&of.broker, &report, reason, &message.original, at).await?;
    of.broker.remove(Consumed::Lane(lane), message.sequence).await?;
    of.metrics.dead_letter(&report.task.class, reason);
    repaired(of, Repair::Undeliverable, &report.task, &report.error).await;
    Ok(())
}
