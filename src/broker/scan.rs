//! Reading a stream in pages, without a consumer: a work queue allows none beside its own.

use std::time::Duration;

use async_nats::StatusCode;
use async_nats::jetstream::message::StreamMessage;
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
/// Messages in one page that no client can read; each costs a connection.
const UNREADABLE_MAX: usize = 4;
/// How long the next message of a page may take. One whose headers end the connection never comes.
const NEXT_TIMEOUT: Duration = Duration::from_secs(2);

/// What a scan goes over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) stream: &'a str,
    pub(super) filter: &'a str,
}

/// What came of one request.
struct Batch {
    found: Vec<Raw>,
    /// Whether the server said that this was all.
    is_whole: bool,
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
        let (mut from, mut found) = (sequence, Vec::new());
        for _ in 0..UNREADABLE_MAX {
            let asked = json!({"seq": from, "batch": PAGE, "next_by_subj": of.filter});
            let read = self.batch(of.stream, &asked).await;
            let batch = read.map_err(RequestError::of(operation()))?;
            from = batch.found.last().map_or(from, |last| last.sequence + 1);
            found.extend(batch.found);
            if batch.is_whole {
                break;
            }
            // The next one is such that no client can read it: the server's API can.
            let Some(next) = self.raw_next(of.stream, of.filter, from).await? else {
                break;
            };
            from = next.sequence + 1;
            found.push(next);
        }
        Ok(found)
    }

    /// The first message of a scope at or after `sequence`, with what the server tells besides. None also for one that
    /// no client can read.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub(super) async fn page_of_one(
        &self,
        of: Scope<'_>,
        sequence: u64,
    ) -> Result<Option<Raw>, RequestError> {
        let asked = json!({"seq": sequence, "batch": 1, "next_by_subj": of.filter});
        self.one(of, &asked).await
    }

    /// The same of the first one that was stored at `since` or later.
    ///
    /// # Errors
    /// As [`Broker::page_of_one`].
    pub(super) async fn page_of_one_since(
        &self,
        of: Scope<'_>,
        since: EpochMs,
    ) -> Result<Option<Raw>, RequestError> {
        let asked = json!({"start_time": to_rfc3339(since), "batch": 1, "next_by_subj": of.filter});
        self.one(of, &asked).await
    }

    async fn one(&self, of: Scope<'_>, asked: &Value) -> Result<Option<Raw>, RequestError> {
        let operation = format!("read {} from {}", of.filter, of.stream);
        let batch = self.batch(of.stream, asked).await;
        Ok(batch
            .map_err(RequestError::of(operation))?
            .found
            .into_iter()
            .next())
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
        let batch = self.batch(of.stream, &asked).await;
        let batch = batch.map_err(RequestError::of(operation))?;
        // Where the first one cannot be read, it is all of them that are gone over.
        let unknown = (!batch.is_whole).then_some(1);
        Ok(batch.found.first().map(|message| message.sequence).or(unknown))
    }

    /// As many as come, up to one that cannot be read.
    async fn batch(
        &self,
        stream: &str,
        asked: &Value,
    ) -> Result<Batch, Box<dyn std::error::Error + Send + Sync>> {
        let batch = self.try_batch(stream, asked).await;
        // Also where somebody else's message ended the connection meanwhile.
        if !batch.as_ref().is_ok_and(|batch| batch.is_whole) {
            self.scanner.give_up().await;
        }
        batch
    }

    async fn try_batch(
        &self,
        stream: &str,
        asked: &Value,
    ) -> Result<Batch, Box<dyn std::error::Error + Send + Sync>> {
        let client = self.scanner.client().await?;
        let inbox = client.new_inbox();
        let mut answers = client.subscribe(inbox.clone()).await?;
        let subject = format!("$JS.API.DIRECT.GET.{stream}");
        client
            .publish_with_reply(subject, inbox, Bytes::from(asked.to_string()))
            .await?;
        let (mut found, mut is_whole) = (Vec::new(), false);
        while let Ok(Some(answer)) = tokio::time::timeout(NEXT_TIMEOUT, answers.next()).await {
            match answer.status {
                None | Some(StatusCode::OK) => found.push(StreamMessage::try_from(answer)?.into()),
                Some(StatusCode::NO_RESPONDERS) => {
                    return Err("no such stream, or no server leads it; see `fairlane streams plan`".into());
                }
                // The end of the page, or nothing found.
                Some(_) => {
                    is_whole = true;
                    break;
                }
            }
        }
        Ok(Batch { found, is_whole })
    }
}

impl From<StreamMessage> for Raw {
    fn from(stored: StreamMessage) -> Self {
        Self {
            sequence: stored.sequence,
            stored_at: epoch(&stored),
            subject: stored.subject.to_string(),
            unreadable: None,
            original: Original {
                body: stored.payload,
                headers: Some(stored.headers),
            },
        }
    }
}
