//! One look after the other, wherever this coordinator leads.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::announce::Announcer;
use super::look::Observer;
use super::put_back::Archive;
use crate::broker::RequestError;
use crate::clock;
use crate::coordinator::Coordinator;
use crate::policy::step;

/// How often the level is judged.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a leader remembers from one look to the next.
#[derive(Default)]
struct Memory {
    observer: Observer,
    archive: Archive,
}

/// Looks until the coordinator stops, whenever it leads.
pub(in crate::coordinator) async fn run(of: Arc<Coordinator>) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut leading: Option<(Memory, Announcer)> = None;
    loop {
        tokio::select! {
            _ = every.tick() => (),
            () = of.lifecycle.soft().cancelled() => return,
        }
        if !of.leader.is_leading() {
            // What it remembers is old when it leads again.
            leading = None;
            of.metrics.overload(None);
            continue;
        }
        let looked = match &mut leading {
            Some((memory, announcer)) => round(&of, memory, announcer).await,
            none => match Announcer::take_over(&of).await {
                Ok(announcer) => {
                    let (memory, announcer) = none.insert((Memory::default(), announcer));
                    round(&of, memory, announcer).await
                }
                Err(error) => Err(error),
            },
        };
        if let Err(error) = looked {
            tracing::warn!(%error, "the load was not looked at to the end; trying again");
        }
    }
}

async fn round(of: &Coordinator, memory: &mut Memory, announcer: &mut Announcer) -> Result<(), RequestError> {
    let mut seen = memory.observer.look(of).await?;
    memory.archive.put_back(of, &seen).await;
    seen.pressure.is_archive_in_use = memory.archive.is_in_use();
    let standing = step(
        &of.policy().overload,
        announcer.standing(),
        &seen.pressure,
        clock::wall(),
    );
    if of.leader.is_leading() {
        announcer
            .announce(of, standing, &seen, memory.archive.left(&seen))
            .await;
    }
    Ok(())
}
