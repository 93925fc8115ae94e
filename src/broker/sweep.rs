//! Looking a lane over: which subjects hold tasks, and taking single ones out.

use futures_util::TryStreamExt;

use super::connect::Broker;
use super::error::RequestError;
use super::fetch::epoch;
use super::publish::Original;
use super::subject;
use crate::task::{EpochMs, Lane};

/// A queued message that no consumer delivers.
#[derive(Debug, Clone)]
pub struct Stray {
    /// Its sequence in the lane's stream.
    pub sequence: u64,
    /// When the stream stored it.
    pub stored_at: EpochMs,
    /// The subject it lies on.
    pub subject: String,
    /// Headers and body.
    pub original: Original,
}

impl Broker {
    /// The subjects of a lane that hold messages, with how many.
    ///
    /// # Errors
    /// [`RequestError`] when the stream is missing or the server does not answer.
    pub async fn lane_subjects(&self, lane: Lane) -> Result<Vec<(String, usize)>, RequestError> {
        let name = subject::lane_stream(lane);
        let operation = format!("list the subjects of {name}");
        let stream = self.stream(name).await?;
        let listed = stream.info_with_subjects(format!("fl.task.{lane}.>")).await;
        let listed = listed.map_err(RequestError::of(operation.clone()))?;
        listed.try_collect().await.map_err(RequestError::of(operation))
    }

    /// The first message at or after `sequence` on one subject of a lane.
    ///
    /// # Errors
    /// As [`Broker::lane_subjects`].
    pub async fn stray(&self, lane: Lane, on: &str, sequence: u64) -> Result<Option<Stray>, RequestError> {
        let message = self
            .next_message(subject::lane_stream(lane), on, sequence)
            .await?;
        Ok(message.map(|message| Stray {
            sequence: message.sequence,
            stored_at: epoch(&message),
            subject: message.subject.to_string(),
            original: Original {
                body: message.payload,
                headers: Some(message.headers),
            },
        }))
    }

    /// Takes a message out of a lane for good. No error when it is gone already.
    ///
    /// # Errors
    /// As [`Broker::lane_subjects`].
    pub async fn remove_stray(&self, lane: Lane, sequence: u64) -> Result<(), RequestError> {
        let name = subject::lane_stream(lane);
        let stream = self.stream(name).await?;
        match stream.delete_message(sequence).await {
            Ok(_) => Ok(()),
            Err(error) => match self.stray(lane, &format!("fl.task.{lane}.>"), sequence).await? {
                Some(still) if still.sequence == sequence => Err(RequestError::of(format!(
                    "delete message {sequence} of {name}"
                ))(error)),
                _ => Ok(()),
            },
        }
    }
}
