//! The sweep: every look once, one after the other.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::held::Moves;
use super::letters::Letters;
use super::parked::Parked;
use super::timers::Timers;
use super::undeliverable::Undeliverable;
use super::{schedules, uncovered, unreadable};
use crate::broker::WriteError;
use crate::broker::sweep::Consumed;
use crate::coordinator::Coordinator;
use crate::task::Lane;

/// How often everything is looked over.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// What a sweep remembers for the next one.
#[derive(Default)]
struct Memory {
    undeliverable: Undeliverable,
    timers: Timers,
    letters: Letters,
    parked: Parked,
    moves: Moves,
}

/// Sweeps until the coordinator stops, whenever it leads.
pub(in crate::coordinator) async fn run(of: Arc<Coordinator>) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut memory = Memory::default();
    loop {
        let next = async {
            every.tick().await;
            if !of.leader.is_leading() {
                of.leader.leading().await;
            }
        };
        tokio::select! {
            () = next => (),
            () = of.lifecycle.soft().cancelled() => return,
        }
        sweep(&of, &mut memory).await;
    }
}

/// A look that fails must not keep the others from being taken. Each is taken only while this one leads: one that was
/// frozen in between wakes up beside another.
async fn sweep(of: &Coordinator, memory: &mut Memory) {
    let leads = || of.leader.is_leading();
    if leads() {
        // Whoever asked for a pause may have died before all of it was carried out.
        said(
            "pauses",
            of.broker.obey_pauses().await.map(drop).map_err(WriteError::from),
        );
    }
    if leads() {
        said("tasks the server gave up", memory.undeliverable.hear(of).await);
    }
    for lane in Lane::ALL.into_iter().filter(|_| leads()) {
        said("lanes", uncovered::sweep(of, lane).await);
        said("counts", memory.undeliverable.count(of, lane).await);
    }
    for stream in Consumed::ALL.into_iter().filter(|_| leads()) {
        said("unreadable messages", unreadable::bury(of, stream).await);
    }
    if leads() {
        said("timers", memory.timers.look(of).await);
    }
    if leads() {
        said("dead letters", memory.letters.look(of).await);
    }
    if leads() {
        said("moves", memory.moves.look(of).await);
    }
    if leads() {
        said("the archive", memory.parked.look(of).await);
    }
    if leads() {
        said("schedules", schedules::look(of).await);
    }
}

fn said(what: &str, looked: Result<(), WriteError>) {
    if let Err(error) = looked {
        tracing::warn!(what, %error, "not looked over to the end; trying again");
    }
}
