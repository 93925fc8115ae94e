//! How tasks have ended, a page at a time: what the records say that are still there.

use super::connect::Broker;
use super::error::RequestError;
use super::scan::Scope;
use super::subject;
use crate::task::EpochMs;
use crate::wire::{Ending, read_ending};

/// One terminal record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// When it was stored: when its task ended.
    pub at: EpochMs,
    /// How its task ended; none where that cannot be read.
    pub ending: Option<Ending>,
}

impl Broker {
    /// Where the records begin that were stored at `since` or later; none where there are none.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn endings_since(&self, since: EpochMs) -> Result<Option<u64>, RequestError> {
        self.first_since(Scope::of(subject::RESULTS), since).await
    }

    /// The records of one page at or after `sequence`, in the order of their ends, and where to go on; none at the end.
    ///
    /// The server sends them whole, bodies included: reading takes as long as that takes.
    ///
    /// # Errors
    /// [`RequestError`] when the stream is missing or the server does not answer.
    pub async fn endings(&self, sequence: u64) -> Result<(Vec<Recorded>, Option<u64>), RequestError> {
        let page = self.page(Scope::of(subject::RESULTS), sequence).await?;
        let next = page.last().map(|last| last.sequence + 1);
        let recorded = page.iter().map(|message| Recorded {
            at: message.stored_at,
            ending: read_ending(&message.original.headers()),
        });
        Ok((recorded.collect(), next))
    }
}
