//! Moving a queued task to another lane: a safe copy first, so that it is never nowhere.
//!
//! Hold, take off the old lane, publish on the new one, let go of the copy. Whoever finds a copy goes on from any of
//! these: each may be repeated. What is delivered meanwhile is caught by the fence.

use super::audit::Page;
use super::blocking::Lying;
use super::connect::Broker;
use super::error::{RequestError, WriteError};
use super::publish::{Original, PublishError, Published};
use super::raw::Raw;
use super::scan::Scope;
use super::subject;
use super::sweep::Consumed;
use crate::failpoint;
use crate::task::{EpochMs, Lane};
use crate::wire::header::{BLOCKED, MSG_ID};
use crate::wire::{Held, Malformed, MessageKind, held_headers, message_id, read_held};

/// A safe copy that was found.
#[derive(Debug, Clone)]
pub struct HeldCopy {
    /// Its sequence.
    pub sequence: u64,
    /// When it was made.
    pub stored_at: EpochMs,
    /// The task, and where it comes from.
    pub held: Result<Held, Malformed>,
    /// Headers and body as they came.
    pub original: Original,
}

impl Broker {
    /// Makes the safe copy of a task that is about to leave its lane; its sequence. None where the task waits aside
    /// already, as this hop or a later one, or is moved as a later one: then what is on the lane is left there.
    ///
    /// # Errors
    /// [`WriteError`]; holding again is safe.
    pub async fn hold_copy(&self, held: &Held, original: &Original) -> Result<Option<u64>, WriteError> {
        let (id, hop) = (&held.task.id, held.task.hop);
        let mut headers = held_headers(held);
        headers.set(MSG_ID, message_id(MessageKind::Held, id, hop));
        let headers = original.carry(headers);
        let has_left = |lying: Lying| match lying.waits {
            // As the hop that is on the lane: a worker was given it, and has put it aside.
            true => lying.hop.saturating_add(1) >= hop,
            false => lying.hop > hop,
        };
        self.lay(id, &headers, original, has_left).await
    }

    /// Lets go of a safe copy. No error when it is gone already.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn release(&self, sequence: u64) -> Result<(), RequestError> {
        self.remove_from(subject::HELD, sequence).await
    }

    /// Moves a task whose safe copy has the sequence `copy`. Where the new lane is full it goes back to the end of
    /// the old one. Returns the lane it is on, and its sequence there.
    ///
    /// # Errors
    /// [`WriteError`]; going on from the safe copy is safe.
    pub async fn move_held(
        &self,
        held: &Held,
        copy: u64,
        original: &Original,
    ) -> Result<(Lane, u64), WriteError> {
        failpoint::hit("move.after_hold");
        self.remove(Consumed::Lane(held.lane), held.sequence).await?;
        failpoint::hit("move.after_removal");
        let mut task = held.task.clone();
        let published = self.publish_hop(&task, original, &held.history).await;
        let published = match published {
            Err(PublishError::Full { .. }) => {
                task.lane = held.lane;
                self.publish_hop(&task, original, &held.history).await?
            }
            published => published?,
        };
        let (Published::Stored(sequence) | Published::Duplicate(sequence)) = published;
        failpoint::hit("move.after_publish");
        self.release(copy).await?;
        Ok((task.lane, sequence))
    }

    /// The safe copies that are there at or after `sequence`, oldest first, and where to go on. Tasks that wait in the
    /// same stream for others are none.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn held_copies(&self, sequence: u64) -> Result<Page<HeldCopy>, RequestError> {
        let found = self.page(Scope::of(subject::HELD), sequence).await?;
        Ok(Page::of(found, sequence, |message| {
            let is_copy = message.original.header(BLOCKED).is_none();
            is_copy.then(|| held_copy(message))
        }))
    }

    /// The task at `sequence` of a lane, if it is there and no worker was given it.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn waiting_at(&self, lane: Lane, sequence: u64) -> Result<Option<Raw>, RequestError> {
        if self.is_delivered(lane, sequence).await? != Some(false) {
            return Ok(None);
        }
        let found = self.raw_next(subject::lane_stream(lane), ">", sequence).await?;
        Ok(found.filter(|found| found.sequence == sequence))
    }

    /// Tasks of a queue that wait behind `delivered`, oldest first, up to a page of them.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn waiting_behind(
        &self,
        route: &crate::task::Route,
        delivered: u64,
    ) -> Result<Vec<Raw>, RequestError> {
        let filter = subject::task(route);
        let scope = Scope {
            stream: subject::lane_stream(route.lane),
            filter: &filter,
        };
        self.page(scope, delivered + 1).await
    }
}

fn held_copy(found: Raw) -> HeldCopy {
    let (sequence, stored_at) = (found.sequence, found.stored_at);
    let original = found.original;
    let held = read_held(&original.headers(), &original.body, sequence, stored_at);
    HeldCopy {
        sequence,
        stored_at,
        held,
        original,
    }
}
