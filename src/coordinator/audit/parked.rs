//! The archive: tasks in it that have ended are taken out, whose enders died before they did. What overload put there goes
//! back by itself, unless its class is gone from the policy or its deadline passes before: those are looked for here.

use super::repaired::repaired;
use crate::broker::WriteError;
use crate::broker::fetch::decides;
use crate::broker::publish::PublishError;
use crate::broker::shelf::{Kept, Shelf};
use crate::clock;
use crate::coordinator::Coordinator;
use crate::coordinator::overload::expire;
use crate::metrics::Repair;
use crate::policy::is_expired;
use crate::task::ParkReason;

/// Parked tasks one sweep looks at; each costs a question for its record.
const LOOKS_MAX: usize = 100;

/// Where the next sweep goes on.
#[derive(Default)]
pub(super) struct Parked {
    from: u64,
}

impl Parked {
    /// Takes out those whose record stands, and those that would lie there for ever.
    pub(super) async fn look(&mut self, of: &Coordinator) -> Result<(), WriteError> {
        let page = of.broker.kept_page(Shelf::Archive, self.from.max(1)).await?;
        if page.is_empty() {
            // From the start again.
            self.from = 1;
        }
        for kept in page.into_iter().take(LOOKS_MAX) {
            self.from = kept.sequence + 1;
            match &kept.read {
                Ok((report, why)) if *why == ParkReason::Overload.as_str() => {
                    if is_expired(&report.task, clock::wall()) {
                        expire(of, &kept, report).await?;
                    } else if of.policy().class(report.task.class.as_str()).is_none() {
                        // It gets its end where it belongs: on its lane.
                        put_back(of, &kept).await?;
                    }
                }
                _ => check(of, &kept).await?,
            }
        }
        Ok(())
    }
}

async fn put_back(of: &Coordinator, kept: &Kept) -> Result<(), WriteError> {
    let put = of
        .broker
        .replay_as(Shelf::Archive, kept, "its class is gone from the policy")
        .await;
    match put {
        // It has filled up again; what lies here lies well.
        Ok(_) | Err(WriteError::Publish(PublishError::Full { .. })) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn check(of: &Coordinator, kept: &Kept) -> Result<(), WriteError> {
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
    of.broker.throw_away(Shelf::Archive, kept).await?;
    let what = format!(
        "it had ended as {}, and still lay in the archive",
        standing.record.state
    );
    repaired(of, Repair::Parked, task, &what).await;
    Ok(())
}
