//! Reading a stream in pages, without a consumer: a work queue allows none beside its own.

use std::time::Duration;

use async_nats::jetstream::message::StreamMessage;
use async_nats::{Message, StatusCode};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::connect::Broker;
use super::error::RequestError;
use super::fetch::epoch;
use super::publish::Original;
use super::raw::Raw;
use crate::task::EpochMs;
use crate::wire::to_rfc3339;

/// Messages in one page.
const PAGE: usize = 500;
/// How long the next message of a page may take. One whose headers end the connection never comes.
const NEXT_TIMEOUT: Duration = Duration::from_secs(2);

/// What a scan goes over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) stream: &'a str,
    pub(super) filter: &'a str,
}

impl Scope<'_> {
    /// All of a stream.
    pub(super) fn of(stream: &str) -> Scope<'_> {
        Scope { stream, filter: ">" }
    }
}

impl Broker {
    /// The next messages of a scope at or after `sequence`, oldest first; none when there are no more.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub(super) async fn page(&self, of: Scope<'_>, sequence: u64) -> Result<Vec<Raw>, RequestError> {
        let operation = || format!("read {} from {}", of.filter, of.stream);
        let asked = json!({"seq": sequence, "batch": PAGE, "next_by_subj": of.filter});
        let read = self.batch(of.stream, &asked).await;
        let found = read.map_err(RequestError::of(operation()))?;
        if !found.is_empty() {
            return Ok(found);
        }
        // Nothing is left, or the first one is such that no client can read it.
        Ok(self
            .raw_next(of.stream, of.filter, sequence)
            .await?
            .into_iter()
            .collect())
    }

    /// The sequence of the first message of a scope that was stored at `since` or later.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub(super) async fn first_since(
        &self,
        of: Scope<'_>,
        since: EpochMs,
    ) -> Result<Option<u64>, RequestError> {
        let operation = format!("find where {} begins", of.stream);
        let asked = json!({"start_time": to_rfc3339(since), "batch": 1, "next_by_subj": of.filter});
        let found = self.batch(of.stream, &asked).await;
        let found = found.map_err(RequestError::of(operation))?;
        Ok(found.first().map(|message| message.sequence))
    }

    /// As many as come, up to one that cannot be read.
    async fn batch(
        &self,
        stream: &str,
        asked: &Value,
    ) -> Result<Vec<Raw>, Box<dyn std::error::Error + Send + Sync>> {
        let inbox = self.client.new_inbox();
        let mut answers = self.client.subscribe(inbox.clone()).await?;
        let subject = format!("$JS.API.DIRECT.GET.{stream}");
        self.client
            .publish_with_reply(subject, inbox, Bytes::from(asked.to_string()))
            .await?;
        let mut found = Vec::new();
        while let Ok(Some(answer)) = tokio::time::timeout(NEXT_TIMEOUT, answers.next()).await {
            match answer.status {
                None | Some(StatusCode::OK) => found.push(raw(answer)?),
                Some(StatusCode::NO_RESPONDERS) => {
                    return Err("no such stream, or no server leads it; see `fairlane streams plan`".into());
                }
                // The end of the page, or nothing found.
                Some(_) => break,
            }
        }
        Ok(found)
    }
}

fn raw(message: Message) -> Result<Raw, Box<dyn std::error::Error + Send + Sync>> {
    let stored = StreamMessage::try_from(message)?;
    Ok(Raw {
        sequence: stored.sequence,
        stored_at: epoch(&stored),
        subject: stored.subject.to_string(),
        unreadable: None,
        original: Original {
            body: stored.payload,
            headers: Some(stored.headers),
        },
    })
}
