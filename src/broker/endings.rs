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

    /// The sequence of the last record that there is now; 0 where there was never one.
    ///
    /// # Errors
    /// [`RequestError`] when the stream is missing or the server does not answer.
    pub async fn endings_end(&self) -> Result<u64, RequestError> {
        let stream = self.context.get_stream(subject::RESULTS).await;
        let stream = stream.map_err(RequestError::of("find where results end"))?;
        Ok(stream.cached_info().state.last_sequence)
    }

    /// The records of one page at or after `sequence` and up to `last`, in the order of their ends, and where to go on;
    /// none at the end. With a `last` that stays, whoever reads more slowly than others write comes to an end, too.
    ///
    /// The server sends them whole, bodies included: reading takes as long as that takes.
    ///
    /// # Errors
    /// [`RequestError`] when the stream is missing or the server does not answer.
    pub async fn endings(
        &self,
        sequence: u64,
        last: u64,
    ) -> Result<(Vec<Recorded>, Option<u64>), RequestError> {
        if sequence > last {
            return Ok((Vec::new(), None));
        }
        let page = self.page(Scope::of(subject::RESULTS), sequence).await?;
        let next = page.last().map(|message| message.sequence + 1);
        let next = next.filter(|next| *next <= last);
        let page = page.iter().filter(|message| message.sequence <= last);
        let recorded = page.map(|message| Recorded {
            at: message.stored_at,
            ending: read_ending(&message.original.headers()),
        });
        Ok((recorded.collect(), next))
    }
}
