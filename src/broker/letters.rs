//! Reading dead letters, also those that nobody can read.

use async_nats::jetstream::message::StreamMessage;

use super::connect::Broker;
use super::error::RequestError;
use super::fetch::epoch;
use super::header::pairs;
use super::publish::Original;
use super::subject;
use crate::task::{EpochMs, TaskId};
use crate::wire::{DeadLetter, Malformed, read_dead};

/// What a direct read adds to a message's headers.
const ADDED: [&str; 4] = ["Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp"];

/// One message of the stream of dead letters.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Its sequence.
    pub sequence: u64,
    /// When the stream stored it.
    pub stored_at: EpochMs,
    /// The subject it lies on.
    pub subject: String,
    /// What it says. One that a foreign client wrote wrong must not hide those behind it.
    pub read: Result<DeadLetter, Malformed>,
    /// Headers and body as they came.
    pub original: Original,
}

impl Letter {
    /// The class and the task, as the subject names them: also of a letter that cannot be read.
    #[must_use]
    pub fn names(&self) -> (&str, &str) {
        let mut tokens = self.subject.rsplit('.');
        let task = tokens.next().unwrap_or_default();
        (tokens.next().unwrap_or_default(), task)
    }

    /// The headers by name, without those that the server adds to what it reads.
    #[must_use]
    pub fn headers(&self) -> Vec<(&str, &str)> {
        let pairs = self.original.headers.iter().flat_map(pairs);
        let mut own: Vec<_> = pairs.filter(|(name, _)| !ADDED.contains(name)).collect();
        own.sort_unstable();
        own
    }
}

impl Broker {
    /// The last dead letter of a task; a replayed task may have several.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn dead_letter(&self, id: &TaskId) -> Result<Option<Letter>, RequestError> {
        let filter = subject::dead_of_any_class(id);
        let mut last = None;
        // The server finds the next by subject without reading what lies between, and finds the last
        // of a pattern not at all.
        while let Some(message) = self
            .next_message(subject::DEAD, &filter, after(last.as_ref()))
            .await?
        {
            last = Some(letter(message));
        }
        Ok(last)
    }
}

fn after(last: Option<&Letter>) -> u64 {
    last.map_or(1, |letter| letter.sequence.saturating_add(1))
}

fn letter(message: StreamMessage) -> Letter {
    let stored_at = epoch(&message);
    Letter {
        sequence: message.sequence,
        stored_at,
        subject: message.subject.to_string(),
        read: read_dead(&message.headers, &message.payload, message.sequence, stored_at),
        original: Original {
            body: message.payload,
            headers: Some(message.headers),
        },
    }
}
