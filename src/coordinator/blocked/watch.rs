//! Hearing what waits and what ends, for as long as this coordinator leads.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::find::Search;
use super::grants::Grants;
use crate::broker::RequestError;
use crate::broker::blocking::{BlockedFeed, EndingFeed};
use crate::clock;
use crate::coordinator::Coordinator;
use crate::policy::{Board, Step};
use crate::task::{BlockedOn, KeyId, Lane, State, TaskId};
use crate::wire::{Blocked, Malformed};

/// How often it is looked what waits now, and whether a key is free whose holder died.
const POLL_EVERY: Duration = Duration::from_millis(100);
/// Such polls per look at deadlines, and at what could not be done and is tried again.
const POLLS_PER_LOOK: u32 = 10;
/// Pause before reading begins anew after it broke off.
const REOPEN_PAUSE: Duration = Duration::from_millis(500);
/// Tasks that others wait for that are looked at once more in each look.
const LOOKED_AT_AGAIN: usize = 16;
/// Looks at nothing that waits after which records are not heard any more.
const IDLE_LOOKS: u32 = 10;

/// What one leader keeps in mind.
pub(super) struct Watch<'a> {
    pub(super) of: &'a Coordinator,
    pub(super) board: Board,
    /// Where those lie that are waited for.
    pub(super) places: HashMap<TaskId, (Lane, u64)>,
    /// To be done at the next look.
    pub(super) later: Vec<Step>,
    pub(super) search: Search,
    /// Keys that were reserved for tasks that are queued with them.
    pub(super) grants: Grants,
    blocked: BlockedFeed,
    /// Open while something waits: every result of the mesh passes through it.
    endings: Option<EndingFeed>,
    idle: u32,
    polls: u32,
}

/// Watches whenever this coordinator leads, until it stops.
pub(in crate::coordinator) async fn run(of: Arc<Coordinator>) {
    let soft = of.lifecycle.soft().clone();
    loop {
        tokio::select! {
            () = of.leader.leading() => (),
            () = soft.cancelled() => return,
        }
        if let Err(error) = lead(&of).await {
            tracing::warn!(%error, "hearing what waits for other tasks broke off; beginning anew");
            tokio::select! {
                () = tokio::time::sleep(REOPEN_PAUSE) => (),
                () = soft.cancelled() => return,
            }
        }
    }
}

async fn lead(of: &Coordinator) -> Result<(), RequestError> {
    let mut keys = of.broker.key_feed().await?;
    let mut watch = Watch {
        of,
        board: Board::default(),
        places: HashMap::new(),
        later: Vec::new(),
        search: Search::default(),
        grants: Grants::default(),
        blocked: BlockedFeed::default(),
        endings: None,
        idle: 0,
        polls: 0,
    };
    let mut every = tokio::time::interval(POLL_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while of.leader.is_leading() {
        tokio::select! {
            () = of.lifecycle.soft().cancelled() => return Ok(()),
            _ = every.tick() => watch.poll().await?,
            Some(key) = keys.next() => watch.freed(&key).await?,
            ended = next_of(&mut watch.endings) => watch.end(ended?),
        }
        watch.work().await?;
    }
    of.metrics.blocked(0);
    Ok(())
}

impl Watch<'_> {
    fn hear(&mut self, heard: Result<Blocked, Malformed>) {
        match heard {
            Ok(blocked) if blocked.on == BlockedOn::Key => {
                self.grants.came_back(&blocked.task.id, clock::monotonic());
                self.board.waits_for_key(&self.of.policy(), blocked.task);
            }
            Ok(blocked) => self.board.blocked(&self.of.policy(), blocked.task),
            // Only a foreign client can have put it there.
            Err(malformed) => {
                tracing::warn!(task.id = %malformed.task_id, what = malformed.what, "a task that waits cannot be read; it is left");
            }
        }
    }

    fn end(&mut self, ended: Option<(TaskId, State)>) {
        if let Some((id, state)) = ended.filter(|(_, state)| state.is_terminal()) {
            self.places.remove(&id);
            self.grants.ended(&id);
            self.board.ended(&id, state);
        }
    }

    /// Those that came to wait since the last poll compete for the place as well.
    async fn freed(&mut self, key: &KeyId) -> Result<(), RequestError> {
        if self.board.is_contended(key) {
            self.hear_waiting().await?;
            self.board.key_changed(key);
        }
        Ok(())
    }

    async fn hear_waiting(&mut self) -> Result<(), RequestError> {
        let heard = self.blocked.next(&self.of.broker).await?;
        heard.into_iter().for_each(|heard| self.hear(heard));
        Ok(())
    }

    async fn poll(&mut self) -> Result<(), RequestError> {
        self.hear_waiting().await?;
        self.free_vain().await;
        self.poll_keys();
        self.polls = (self.polls + 1) % POLLS_PER_LOOK;
        if self.polls == 1 {
            self.look().await?;
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<(), RequestError> {
        for step in std::mem::take(&mut self.later) {
            self.board.again(step);
        }
        self.board.expire(clock::wall());
        self.board.look_again(LOOKED_AT_AGAIN);
        self.search().await?;
        self.keep_grants().await;
        self.of.metrics.blocked(self.board.len());
        self.idle = if self.board.is_empty() { self.idle + 1 } else { 0 };
        if self.idle > IDLE_LOOKS {
            // Whatever is known is of no use any more once nobody hears what ends.
            (self.endings, self.board) = (None, Board::default());
            self.places.clear();
        }
        Ok(())
    }

    /// Records are heard before the first one is read, so that none is missed in between.
    pub(super) async fn hear_endings(&mut self) -> Result<(), RequestError> {
        if self.endings.is_none() {
            self.endings = Some(self.of.broker.ending_feed().await?);
        }
        self.idle = 0;
        Ok(())
    }
}

async fn next_of(endings: &mut Option<EndingFeed>) -> Result<Option<(TaskId, State)>, RequestError> {
    match endings {
        Some(endings) => endings.next().await,
        None => std::future::pending().await,
    }
}
