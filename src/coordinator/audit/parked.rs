//! Parked tasks that have ended: whoever ended them died before it took them out of the archive.

use super::repaired::repaired;
use crate::broker::fetch::decides;
use crate::broker::replay::ReplayError;
use crate::broker::shelf::{Kept, Shelf};
use crate::clock;
use crate::coordinator::Coordinator;
use crate::coordinator::bury::BuryError;
use crate::metrics::Repair;

/// Parked tasks one sweep looks at; each costs a question for its record.
const LOOKS_MAX: usize = 100;

/// Where the next sweep goes on.
#[derive(Default)]
pub(super) struct Parked {
    from: u64,
}

impl Parked {
    /// Takes out those whose record stands.
    pub(super) async fn look(&mut self, of: &Coordinator) -> Result<(), BuryError> {
        for _ in 0..LOOKS_MAX {
            let next = of
                .broker
                .next_kept(Shelf::Archive, None, self.from.max(1))
                .await?;
            let Some(kept) = next else {
                // From the start again.
                self.from = 1;
                return Ok(());
            };
            self.from = kept.sequence + 1;
            check(of, &kept).await?;
        }
        Ok(())
    }
}

async fn check(of: &Coordinator, kept: &Kept) -> Result<(), BuryError> {
    let Ok((report, _)) = &kept.read else {
        return Ok(());
    };
    let task = &report.task;
    let Some(standing) = of.broker.fence(&task.id).await? else {
        return Ok(());
    };
    if !decides(&standing, task.fence) || clock::wall().since(standing.stored_at) < of.audit_grace_ms {
        return Ok(());
    }
    // Its record stands, so this only asks for its callback and takes it away.
    let thrown = of.broker.throw_away(Shelf::Archive, kept).await;
    thrown.map_err(|error| match error {
        ReplayError::Publish(error) => BuryError::from(error),
        ReplayError::Request(error) => BuryError::from(error),
    })?;
    let what = format!(
        "it had ended as {}, and still lay in the archive",
        standing.record.state
    );
    repaired(of, Repair::Parked, task, &what).await;
    Ok(())
}
