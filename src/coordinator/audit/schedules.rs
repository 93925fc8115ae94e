//! Schedules whose next firing nobody waits for: whoever wrote them died before they set it, or somebody took it away.

use crate::broker::WriteError;
use crate::broker::schedules::Pending;
use crate::clock;
use crate::coordinator::Coordinator;
use crate::metrics::Repair;
use crate::policy::LATE_MS;
use crate::task::EpochMs;

/// How long a schedule is left to whoever writes it, in ms.
const WRITE_MS: u64 = 5_000;

/// Sets what is missing.
pub(super) async fn look(of: &Coordinator) -> Result<(), WriteError> {
    for found in of.broker.schedules().await? {
        let (schedule, now) = (&found.record, clock::wall());
        if schedule.is_paused || now.since(found.stored_at) < WRITE_MS {
            continue;
        }
        let next = match of.broker.pending_firing(&schedule.name).await? {
            Pending::Due => continue,
            Pending::Waits(firing) if firing.revision == found.sequence => {
                let at = EpochMs(firing.at_ms);
                // A server that was away tells of what has come within seconds.
                (now.since(at) > of.audit_grace_ms).then_some(at)
            }
            // What came just now may have been missed for want of a timer; what has run does not run again.
            Pending::Waits(_) | Pending::Missing => {
                let just_now = EpochMs(now.0.saturating_sub_unsigned(LATE_MS));
                schedule.next(schedule.since.max(just_now))
            }
        };
        if let Some(next) = next {
            of.broker.set_firing(&schedule.name, found.sequence, next).await?;
            tracing::warn!(schedule = %schedule.name, "its next firing was not set, and is now");
            of.metrics.repair(Repair::Schedule);
        }
    }
    Ok(())
}
