//! Looking a stream over: which subjects of a lane hold tasks, which messages nobody can read, and
//! taking single ones out.

use async_nats::jetstream::consumer::Info;
use futures_util::TryStreamExt;

use super::connect::Broker;
use super::error::RequestError;
use super::raw::Raw;
use super::subject;
use crate::task::Lane;

/// Messages of one consumer that are looked at in one go, so that a crowd of them delays nobody else.
const LOOKS_MAX: usize = 256;

/// A stream whose messages are consumed, so that one nobody can read comes again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumed {
    /// The tasks of a lane.
    Lane(Lane),
    /// Failure reports and due retries.
    Retry,
    /// Results to be delivered.
    Callbacks,
}

impl Consumed {
    /// All of them.
    pub const ALL: [Consumed; 4] = [
        Consumed::Lane(Lane::Core),
        Consumed::Lane(Lane::Normal),
        Consumed::Retry,
        Consumed::Callbacks,
    ];

    pub(super) const fn stream(self) -> &'static str {
        match self {
            Consumed::Lane(lane) => subject::lane_stream(lane),
            Consumed::Retry => subject::RETRY,
            Consumed::Callbacks => subject::CALLBACKS,
        }
    }
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

    /// The first message at or after `sequence` on one subject of a lane, as
    /// [`Broker::lane_subjects`] spells it.
    ///
    /// # Errors
    /// As [`Broker::lane_subjects`].
    pub async fn stray(&self, lane: Lane, on: &str, sequence: u64) -> Result<Option<Raw>, RequestError> {
        let (stream, filter) = (subject::lane_stream(lane), filter(on));
        let mut from = sequence;
        // The server takes a message on `fl.task.core.*.m.0`, and as a filter that is every class:
        // what only matches belongs to somebody else.
        while let Some(found) = self.raw_next(stream, &filter, from).await? {
            if found.subject == on {
                return Ok(Some(found));
            }
            from = found.sequence + 1;
        }
        Ok(None)
    }

    /// Messages of a stream that were delivered, came back, and have headers no client can read.
    /// Whoever they are delivered to loses its connection, so they never count as failed.
    ///
    /// # Errors
    /// As [`Broker::lane_subjects`].
    pub async fn unreadable(&self, of: Consumed) -> Result<Vec<Raw>, RequestError> {
        let operation = format!("list the consumers of {}", of.stream());
        let stream = self.stream(of.stream()).await?;
        let consumers: Vec<Info> = stream
            .consumers()
            .try_collect()
            .await
            .map_err(RequestError::of(operation))?;
        let mut found = Vec::new();
        for consumer in consumers.iter().filter(|consumer| consumer.num_redelivered > 0) {
            let (filter, last) = (
                &consumer.config.filter_subject,
                consumer.delivered.stream_sequence,
            );
            let mut from = consumer.ack_floor.stream_sequence + 1;
            for _ in 0..LOOKS_MAX {
                let Some(message) = self.raw_next(of.stream(), filter, from).await? else {
                    break;
                };
                if message.sequence > last {
                    break;
                }
                from = message.sequence + 1;
                if message.unreadable.is_some() {
                    found.push(message);
                }
            }
        }
        Ok(found)
    }

    /// Takes a message out of a stream for good. No error when it is gone already.
    ///
    /// # Errors
    /// As [`Broker::lane_subjects`].
    pub async fn remove(&self, from: Consumed, sequence: u64) -> Result<(), RequestError> {
        self.remove_from(from.stream(), sequence).await
    }

    pub(super) async fn remove_from(&self, name: &str, sequence: u64) -> Result<(), RequestError> {
        match self.stream(name).await?.delete_message(sequence).await {
            Ok(_) => Ok(()),
            Err(error) => match self.raw_next(name, ">", sequence).await? {
                Some(still) if still.sequence == sequence => Err(RequestError::of(format!(
                    "delete message {sequence} of {name}"
                ))(error)),
                _ => Ok(()),
            },
        }
    }
}

/// A filter for a subject that was listed: bytes that are no text are replaced there, so that a
/// token with the replacement in it stands for any.
fn filter(listed: &str) -> String {
    let tokens = listed.split('.');
    let tokens = tokens.map(|token| {
        if token.contains(char::REPLACEMENT_CHARACTER) {
            "*"
        } else {
            token
        }
    });
    tokens.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_was_no_text_is_looked_for_under_any_name() {
        assert_eq!(filter("fl.task.core.pay.m.0"), "fl.task.core.pay.m.0");
        assert_eq!(filter("fl.task.core.p\u{fffd}y.m.0"), "fl.task.core.*.m.0");
    }
}
