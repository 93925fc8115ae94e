//! The archive: tasks in it that have ended are taken out, whose enders died before they did; those that overload put
//! there go back by themselves, as fast as their queues empty.

use std::collections::HashMap;

use super::repaired::repaired;
use crate::broker::WriteError;
use crate::broker::fetch::decides;
use crate::broker::publish::PublishError;
use crate::broker::shelf::{Kept, Shelf};
use crate::clock;
use crate::coordinator::Coordinator;
use crate::metrics::Repair;
use crate::task::{Lane, ParkReason, Route, Task};

/// Parked tasks one sweep looks at; each costs a question for its record.
const LOOKS_MAX: usize = 100;

/// Where the next sweep goes on.
#[derive(Default)]
pub(super) struct Parked {
    from: u64,
}

impl Parked {
    /// Takes out those whose record stands, and puts back those that need not lie there any more.
    pub(super) async fn look(&mut self, of: &Coordinator) -> Result<(), WriteError> {
        let mut room = None;
        let page = of.broker.kept_page(Shelf::Archive, self.from.max(1)).await?;
        if page.is_empty() {
            // From the start again.
            self.from = 1;
        }
        for kept in page.into_iter().take(LOOKS_MAX) {
            self.from = kept.sequence + 1;
            match &kept.read {
                Ok((report, why)) if *why == ParkReason::Overload.as_str() => {
                    let room = match &mut room {
                        Some(room) => room,
                        None => room.insert(Room::now(of).await?),
                    };
                    if room.take(&report.task) {
                        put_back(of, &kept).await?;
                    }
                }
                _ => check(of, &kept).await?,
            }
        }
        Ok(())
    }
}

/// How many tasks each queue can take until as many wait as may run: more would only wait somewhere else.
struct Room(HashMap<Route, u64>);

impl Room {
    async fn now(of: &Coordinator) -> Result<Self, WriteError> {
        let mut room = HashMap::new();
        for lane in Lane::ALL {
            for queue in of.broker.queues(lane).await? {
                let left = queue.limit.saturating_sub(queue.waiting);
                room.insert(queue.route, if queue.is_paused { 0 } else { left });
            }
        }
        Ok(Self(room))
    }

    fn take(&mut self, task: &Task) -> bool {
        // One without a queue gets it, or its end, where it belongs: on its lane.
        let left = self.0.entry(Route::of(task)).or_insert(1);
        let is_room = *left > 0;
        *left = left.saturating_sub(1);
        is_room
    }
}

async fn put_back(of: &Coordinator, kept: &Kept) -> Result<(), WriteError> {
    let put = of
        .broker
        .replay_as(Shelf::Archive, kept, "there is room for it again")
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
