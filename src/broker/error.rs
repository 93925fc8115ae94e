//! A request to the server that failed.

use std::error::Error;

use super::publish::PublishError;
use crate::wire::{UnreadablePolicy, UnreadableResult, UnreadableSubmission};

/// Which request failed, and why. The caller tries again later or tells the user.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation}: {source}")]
pub struct RequestError {
    /// What was being done, as in "cannot …".
    pub operation: String,
    /// Why it failed.
    pub source: Box<dyn Error + Send + Sync>,
}

impl RequestError {
    /// Whether the server answered, with something that cannot be read: asking again brings the same.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.source.is::<UnreadableResult>()
            || self.source.is::<UnreadableSubmission>()
            || self.source.is::<UnreadablePolicy>()
    }

    /// For `map_err`.
    pub(super) fn of<E: Into<Box<dyn Error + Send + Sync>>>(
        operation: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let operation = operation.into();
        move |source| Self {
            operation,
            source: source.into(),
        }
    }
}

/// Something that takes a publication and a request, and broke off in one of them. Doing it again is safe.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A stream did not take it.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The server could not be asked.
    #[error(transparent)]
    Request(#[from] RequestError),
}
