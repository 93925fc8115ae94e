//! What a sweep over the streams finds that nobody would ever come to by itself.

use std::collections::HashMap;

use async_nats::jetstream::consumer::Info;
use futures_util::TryStreamExt;
use serde::Deserialize;

use super::connect::Broker;
use super::error::{RequestError, WriteError};
use super::fetch::Stored;
use super::header::pairs;
use super::publish::{SCHEDULE, SCHEDULE_TARGET};
use super::raw::Raw;
use super::scan::Scope;
use super::subject;
use super::sweep::Consumed;
use crate::task::{EpochMs, Lane, TaskId};
use crate::wire::{Fence, Headers, parse_rfc3339, read_fence};

/// Tasks of one consumer that are looked at in one go.
const LOOKS_MAX: u64 = 256;

/// A message that waits for its time.
#[derive(Debug, Clone)]
pub struct Timer {
    /// The stream it waits in.
    pub of: Consumed,
    /// The task it is for.
    pub id: TaskId,
    /// When the server is to publish it. None for one that names no time: it never will.
    pub due: Option<EpochMs>,
    /// Where to, if it says so.
    pub target: Option<String>,
    /// The message.
    pub message: Raw,
}

impl Timer {
    /// Whether it should have been fired by `now`. One that names no time never will be; a server that was away fires
    /// what it missed within seconds, so any other is given `grace_ms`.
    #[must_use]
    pub fn is_late(&self, now: EpochMs, grace_ms: u64) -> bool {
        self.due.is_none_or(|due| now.since(due) > grace_ms)
    }
}

/// A task's terminal record, found by going over all of them.
pub type FoundRecord = (TaskId, Stored<Fence>);

impl Broker {
    /// Tasks that the server has said it will not deliver again and that are still there, at or after `sequence`
    /// of what it said, and where to go on. Empty at the end.
    ///
    /// # Errors
    /// [`RequestError`] when the stream is missing or the server does not answer.
    pub async fn given_up(&self, sequence: u64) -> Result<Page<(Lane, Raw)>, RequestError> {
        let scope = Scope::of(subject::ADVISORIES);
        let mut page = Page {
            found: Vec::new(),
            next: None,
        };
        for told in self.page(scope, sequence).await? {
            page.next = Some(told.sequence + 1);
            let Some((lane, place)) = advisory(&told.original.body) else {
                continue;
            };
            let found = self.raw_next(subject::lane_stream(lane), ">", place).await?;
            page.found.extend(
                found
                    .filter(|message| message.sequence == place)
                    .map(|message| (lane, message)),
            );
        }
        Ok(page)
    }

    /// Tasks of a lane that are neither to be delivered nor delivered to somebody, by the count of their consumers.
    /// Nothing where the count does not say which they are. What happens in between makes the count wrong, so only a
    /// task that is found twice counts.
    ///
    /// # Errors
    /// As [`Broker::given_up`].
    pub async fn uncounted(&self, lane: Lane) -> Result<Vec<Raw>, RequestError> {
        let name = subject::lane_stream(lane);
        let operation = format!("list the consumers of {name}");
        let stream = self.stream(name).await?;
        let consumers: Vec<Info> = stream
            .consumers()
            .try_collect()
            .await
            .map_err(RequestError::of(operation))?;
        let counts: HashMap<String, usize> = self.lane_subjects(lane).await?.into_iter().collect();
        let mut found = Vec::new();
        for consumer in consumers {
            let filter = &consumer.config.filter_subject;
            let held = counts.get(filter).copied().unwrap_or(0) as u64;
            let known = consumer.num_pending + consumer.num_ack_pending as u64;
            let missing = held.saturating_sub(known);
            if missing == 0 || missing > LOOKS_MAX {
                continue;
            }
            let delivered = self
                .up_to(name, filter, consumer.delivered.stream_sequence)
                .await?;
            if delivered.len() as u64 == missing {
                found.extend(delivered);
            }
        }
        Ok(found)
    }

    /// Messages up to `last`, and one more than may be looked at where there are too many.
    async fn up_to(&self, stream: &str, filter: &str, last: u64) -> Result<Vec<Raw>, RequestError> {
        let (mut from, mut found) = (1, Vec::new());
        while found.len() as u64 <= LOOKS_MAX {
            let next = self.raw_next(stream, filter, from).await?;
            let Some(message) = next.filter(|message| message.sequence <= last) else {
                break;
            };
            from = message.sequence + 1;
            found.push(message);
        }
        Ok(found)
    }

    /// Timers at or after `sequence` of a stream that has some, and where to go on. Empty at the end.
    ///
    /// # Errors
    /// As [`Broker::given_up`].
    pub async fn timers(&self, of: Consumed, sequence: u64) -> Result<Page<Timer>, RequestError> {
        let filter = match of {
            Consumed::Callbacks => "fl.callback.at.*",
            Consumed::Lane(_) | Consumed::Retry => "fl.retry.at.*",
        };
        let stream = of.stream();
        let page = self.page(Scope { stream, filter }, sequence).await?;
        Ok(Page::of(page, sequence, |message| timer(of, message)))
    }

    /// Terminal records at or after `sequence`, and where to go on. Empty at the end.
    ///
    /// # Errors
    /// As [`Broker::given_up`].
    pub async fn records(&self, sequence: u64) -> Result<Page<FoundRecord>, RequestError> {
        let scope = Scope::of(subject::RESULTS);
        let page = self.page(scope, sequence).await?;
        Ok(Page::of(page, sequence, |message| {
            let id = TaskId::new(message.subject.strip_prefix("fl.result.")?).ok()?;
            let headers = message.original.headers();
            let record = read_fence(&headers)?;
            let stored = Stored {
                sequence: message.sequence,
                stored_at: message.stored_at,
                record,
            };
            Some((id, stored))
        }))
    }

    /// Where the records begin that were stored at `since` or later; none when there are none.
    ///
    /// # Errors
    /// As [`Broker::given_up`].
    pub async fn records_from(&self, since: EpochMs) -> Result<Option<u64>, RequestError> {
        self.first_since(Scope::of(subject::RESULTS), since).await
    }

    /// Publishes what a timer should have published, and takes the timer away. Where the server does so too, the
    /// second copy is dropped as any is.
    ///
    /// # Errors
    /// [`WriteError`]; firing again is safe.
    pub async fn fire(&self, timer: &Timer, target: &str) -> Result<(), WriteError> {
        let mut headers = Headers::default();
        let told = timer.message.original.headers.iter().flat_map(pairs);
        // The server's own are orders to it, and this one is carried out by hand.
        for (name, value) in told.filter(|(name, _)| !name.starts_with("Nats-")) {
            headers.set(name.to_owned(), value);
        }
        let body = timer.message.original.body.clone();
        self.publish(target.to_owned(), headers, body).await?;
        self.remove(timer.of, timer.message.sequence).await?;
        Ok(())
    }
}

/// A part of a scan.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// What was found, as far as it can be read.
    pub found: Vec<T>,
    /// Where to go on; none at the end.
    pub next: Option<u64>,
}

impl<T> Page<T> {
    pub(super) fn of(messages: Vec<Raw>, from: u64, read: impl Fn(Raw) -> Option<T>) -> Self {
        let next = messages.last().map(|last| last.sequence.max(from) + 1);
        Self {
            found: messages.into_iter().filter_map(read).collect(),
            next,
        }
    }
}

/// What the server says when it gives a message up.
#[derive(Deserialize)]
struct Advisory {
    stream: String,
    stream_seq: u64,
}

fn advisory(body: &[u8]) -> Option<(Lane, u64)> {
    let told: Advisory = serde_json::from_slice(body).ok()?;
    let lane = Lane::ALL
        .into_iter()
        .find(|&lane| subject::lane_stream(lane) == told.stream)?;
    Some((lane, told.stream_seq))
}

fn timer(of: Consumed, message: Raw) -> Option<Timer> {
    let id = TaskId::new(message.subject.rsplit('.').next()?).ok()?;
    let original = &message.original;
    let due = original
        .header(SCHEDULE)
        .and_then(|text| text.strip_prefix("@at "))
        .and_then(|text| parse_rfc3339(text.trim()).ok());
    let target = original.header(SCHEDULE_TARGET).map(str::to_owned);
    Some(Timer {
        of,
        id,
        due,
        target,
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::publish::Original;

    #[test]
    fn a_timer_is_late_when_its_grace_is_over_or_without_a_time() {
        let timer = |due| Timer {
            of: Consumed::Retry,
            id: TaskId::new("t").unwrap(),
            due,
            target: None,
            message: Raw {
                sequence: 1,
                stored_at: EpochMs(0),
                subject: "fl.retry.at.t".to_owned(),
                original: Original::default(),
                unreadable: None,
            },
        };
        let is_late = |due| timer(due).is_late(EpochMs(100_000), 60_000);
        assert!(is_late(None) && is_late(Some(EpochMs(39_999))));
        assert!(!is_late(Some(EpochMs(40_000))) && !is_late(Some(EpochMs(200_000))));
    }

    #[test]
    fn the_servers_notice_names_a_lane_and_a_message() {
        let told = br#"{"type":"io.nats.jetstream.advisory.v1.max_deliver","stream":"FL_CORE","consumer":"c","stream_seq":7,"deliveries":100}"#;
        assert_eq!(advisory(told), Some((Lane::Core, 7)));
        assert_eq!(advisory(b"{}"), None);
    }
}
