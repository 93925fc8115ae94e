//! The bucket `fl_tasks`: what was submitted through a gateway.
//!
//! A record is created once, under the expectation that there is none; whoever comes second reads
//! what the first one asked for.

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;

use super::connect::Broker;
use super::error::RequestError;
use super::publish::{FENCED, PublishError, server_code};
use super::subject::{self, RecordKey};
use crate::wire::{Submission, read_submission, submission_body};

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// It is ours; the revision of the record.
    First(u64),
    /// Somebody was there before; what they asked for, and its revision.
    Taken(Box<Submission>, u64),
}

/// A record could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not written, as far as is known.
    #[error(transparent)]
    Write(#[from] PublishError),
    /// Not read.
    #[error(transparent)]
    Read(#[from] RequestError),
}

impl Broker {
    /// Notes a submission under `key`, unless one is noted there.
    ///
    /// # Errors
    /// [`RecordError`]; claiming again is safe.
    pub async fn claim(&self, key: &RecordKey, of: &Submission) -> Result<Claimed, RecordError> {
        loop {
            if let Some(revision) = self.write_record(key, of, 0).await? {
                return Ok(Claimed::First(revision));
            }
            // None when it aged out in between: then it is ours to write.
            if let Some((submission, revision)) = self.submission(key).await? {
                return Ok(Claimed::Taken(Box::new(submission), revision));
            }
        }
    }

    /// Replaces the record of `revision`. Says whether it was still the last one.
    ///
    /// # Errors
    /// [`RecordError`].
    pub async fn amend(&self, key: &RecordKey, of: &Submission, revision: u64) -> Result<bool, RecordError> {
        Ok(self.write_record(key, of, revision).await?.is_some())
    }

    /// What was submitted under `key`, with its revision.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer or the record cannot be read.
    pub async fn submission(&self, key: &RecordKey) -> Result<Option<(Submission, u64)>, RequestError> {
        let subject = subject::record(key);
        let Some(message) = self.last(subject::RECORDS, &subject).await? else {
            return Ok(None);
        };
        let read = read_submission(&message.payload).map_err(RequestError::of(format!("read {subject}")))?;
        Ok(Some((read, message.sequence)))
    }

    /// None when another revision than `expected` is the last.
    async fn write_record(
        &self,
        key: &RecordKey,
        of: &Submission,
        expected: u64,
    ) -> Result<Option<u64>, RecordError> {
        let (subject, body) = (subject::record(key), submission_body(of));
        let bytes = body.len();
        let message = PublishMessage::build()
            .payload(body.into())
            .expected_last_subject_sequence(expected);
        match self.send(&subject, message).await {
            Ok(ack) => Ok(Some(ack.sequence)),
            Err(error)
                if error.kind() == PublishErrorKind::WrongLastSequence
                    || server_code(&error) == Some(FENCED) =>
            {
                Ok(None)
            }
            Err(error) => Err(self.explain(subject, bytes, error).into()),
        }
    }
}
