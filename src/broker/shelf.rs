//! What lies aside, whole: dead letters and parked tasks.

use super::connect::Broker;
use super::error::RequestError;
use super::header::pairs;
use super::publish::Original;
use super::raw::Raw;
use super::scan::Scope;
use super::subject;
use crate::task::{ClassName, EpochMs, ErrorKind, Lane, ModelName, Task, TaskId};
use crate::wire::{Malformed, Report, read_dead, read_parked};

/// What a direct read adds to a message's headers.
const ADDED: [&str; 4] = ["Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp"];

/// Stands for the model of a task whose headers cannot be read.
const UNREADABLE: &str = "unreadable";

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Dead letters: their tasks have ended.
    Dead,
    /// Parked tasks: theirs have not.
    Archive,
}

/// One message of a shelf.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its sequence.
    pub sequence: u64,
    /// When it was put there.
    pub stored_at: EpochMs,
    /// The subject it lies on.
    pub subject: String,
    /// Its last report and the word for why it lies there. One that a foreign client wrote wrong must
    /// not hide those behind it.
    pub read: Result<(Report, &'static str), Malformed>,
    /// Headers and body as they came.
    pub original: Original,
}

impl Shelf {
    pub(super) const fn stream(self) -> &'static str {
        match self {
            Self::Dead => subject::DEAD,
            Self::Archive => subject::ARCHIVE,
        }
    }

    fn of_class(self, class: Option<&ClassName>) -> String {
        match self {
            Self::Dead => subject::dead_of_any_task(class),
            Self::Archive => subject::archived_of_any_task(class),
        }
    }

    fn of_task(self, id: &TaskId) -> String {
        match self {
            Self::Dead => subject::dead_of_any_class(id),
            Self::Archive => subject::archived_of_any_class(id),
        }
    }

    fn read(self, message: Raw) -> Kept {
        let Raw {
            sequence,
            stored_at,
            subject,
            original,
            ..
        } = message;
        let read = {
            let (headers, body) = (original.headers(), &original.body);
            match self {
                Self::Dead => read_dead(&headers, body, sequence, stored_at)
                    .map(|letter| (letter.report, letter.reason.as_str())),
                Self::Archive => read_parked(&headers, body, sequence, stored_at)
                    .map(|parked| (parked.report, parked.why.as_str())),
            }
        };
        Kept {
            sequence,
            stored_at,
            subject,
            read,
            original,
        }
    }
}

impl Kept {
    /// The class and the task, as the subject names them: also where the rest cannot be read.
    #[must_use]
    pub fn names(&self) -> (&str, &str) {
        let mut tokens = self.subject.rsplit('.');
        let task = tokens.next().unwrap_or_default();
        (tokens.next().unwrap_or_default(), task)
    }

    /// Its last report; of one that cannot be read, what its subject tells. None where that names no task.
    pub(super) fn report(&self) -> Option<Report> {
        let (class, id) = self.names();
        match &self.read {
            Ok((report, _)) => Some(report.clone()),
            Err(malformed) => Some(Report {
                task: Task::new(
                    TaskId::new(id).ok()?,
                    Lane::Normal,
                    ClassName::new(class).ok()?,
                    ModelName::new(UNREADABLE).ok()?,
                    self.stored_at,
                ),
                kind: ErrorKind::Malformed,
                error: malformed.what.clone(),
                retry_after_ms: None,
                delivered: 0,
                worker: String::new(),
                exec_ms: 0,
                history: Vec::new(),
            }),
        }
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
    /// The messages of one page of a shelf at or after `sequence`, oldest first; none at its end.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn kept_page(&self, shelf: Shelf, sequence: u64) -> Result<Vec<Kept>, RequestError> {
        let page = self.page(Scope::of(shelf.stream()), sequence).await?;
        Ok(page.into_iter().map(|message| shelf.read(message)).collect())
    }

    /// The first message of a shelf at or after `sequence`, of one class or of all.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn next_kept(
        &self,
        shelf: Shelf,
        class: Option<&ClassName>,
        sequence: u64,
    ) -> Result<Option<Kept>, RequestError> {
        let filter = shelf.of_class(class);
        // Somebody may have put there what no client can read.
        let message = self.raw_next(shelf.stream(), &filter, sequence).await?;
        Ok(message.map(|message| shelf.read(message)))
    }

    /// The last message of a task on a shelf; a task that was replayed may have several.
    ///
    /// # Errors
    /// As [`Broker::next_kept`].
    pub async fn kept(&self, shelf: Shelf, id: &TaskId) -> Result<Option<Kept>, RequestError> {
        let (filter, mut from, mut last) = (shelf.of_task(id), 1, None);
        // The server finds the next by subject without reading what lies between, and finds the last
        // of a pattern not at all.
        while let Some(message) = self.next_message(shelf.stream(), &filter, from).await? {
            from = message.sequence + 1;
            last = Some(shelf.read(Raw::from(message)));
        }
        Ok(last)
    }
}
