//! The queues of a lane as they stand, and holding them back.
//!
//! A pause is written to `fl_control` first and then set at each consumer: who makes a consumer later finds
//! it there. Both survive restarts of everything.

use std::time::Duration;

use async_nats::jetstream::consumer::Info;
use async_nats::jetstream::message::PublishMessage;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::connect::Broker;
use super::error::{RequestError, WriteError};
use super::subject;
use crate::policy::Pause;
use crate::task::{ClassName, EpochMs, Lane, Route};

/// 2200-01-01, in s since the epoch: until somebody resumes.
const FOR_EVER_S: i64 = 7_258_118_400;
/// What keys of pauses begin with, and those of the times at which they were taken back.
const PAUSE: &str = "pause";
const RESUMED: &str = "resumed";
/// How long it is known when a pause was taken back: longer than any task may wait by its class.
const RESUME_NOTED: Duration = Duration::from_secs(8 * 86_400);
/// Stands for every lane or class in a key. No class can be called that.
const ALL: &str = "=";

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Which.
    pub route: Route,
    /// Tasks that wait for a worker.
    pub waiting: u64,
    /// Tasks that are out with workers.
    pub out: u64,
    /// Tasks that may be out at once.
    pub limit: u64,
    /// Pulls of workers that wait here.
    pub pulls: u64,
    /// The last message of the lane that it has given out; later ones still wait.
    pub delivered: u64,
    /// How long the server waits for a sign of life.
    pub ack_wait: Duration,
    /// Whether it is held back.
    pub is_paused: bool,
    /// Until when, if so.
    pub(super) paused_until: Option<OffsetDateTime>,
}

impl Queue {
    /// Whether it was held back here: what somebody paused with another tool is theirs to resume.
    pub(super) fn is_own_pause(&self) -> bool {
        self.paused_until == Some(for_ever())
    }
}

/// A pause as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// What it holds back.
    pub pause: Pause,
    /// Since when.
    pub since: EpochMs,
}

impl Broker {
    /// The queues of a lane.
    ///
    /// # Errors
    /// [`RequestError`] when the stream is missing or the server does not answer.
    pub async fn queues(&self, lane: Lane) -> Result<Vec<Queue>, RequestError> {
        let name = subject::lane_stream(lane);
        let operation = format!("list the consumers of {name}");
        let stream = self.stream(name).await?;
        let listed: Vec<Info> = stream
            .consumers()
            .try_collect()
            .await
            .map_err(RequestError::of(operation))?;
        Ok(listed.iter().filter_map(queue).collect())
    }

    /// Whether the task at `sequence` of a lane is with a worker, or was and is to be delivered again.
    /// None when it is not on the lane.
    ///
    /// # Errors
    /// As [`Broker::queues`].
    pub async fn is_delivered(&self, lane: Lane, sequence: u64) -> Result<Option<bool>, RequestError> {
        let name = subject::lane_stream(lane);
        let found = self.raw_next(name, ">", sequence).await?;
        let Some(found) = found.filter(|found| found.sequence == sequence) else {
            return Ok(None);
        };
        let Some(route) = subject::parse_task(&found.subject) else {
            return Ok(Some(false));
        };
        // One that nobody consumes yet is not delivered.
        let info = self
            .stream(name)
            .await?
            .consumer_info(subject::consumer(&route))
            .await;
        Ok(Some(
            info.is_ok_and(|info| info.delivered.stream_sequence >= sequence),
        ))
    }

    /// Notes a pause, then holds back every queue it covers. Pausing again changes nothing.
    ///
    /// # Errors
    /// [`WriteError`]; pausing again is safe, and a coordinator carries out what was noted.
    pub async fn pause(&self, pause: &Pause, now: EpochMs) -> Result<(), WriteError> {
        let subject = key(pause);
        if self.last(subject::CONTROL, &subject).await?.is_none() {
            let body = json!({"version": 1, "since": now.0}).to_string();
            let bytes = body.len();
            let sent = self.send(&subject, PublishMessage::build().payload(body.into()));
            sent.await.map_err(|error| self.explain(subject, bytes, error))?;
        }
        self.obey_pauses().await?;
        Ok(())
    }

    /// Takes a pause back at `now`, and lets go every queue that no other holds. Says whether there was one. When it
    /// was is noted first, so that nobody counts the time before as waiting.
    ///
    /// # Errors
    /// [`WriteError`]; resuming again is safe.
    pub async fn resume(&self, pause: &Pause, now: EpochMs) -> Result<bool, WriteError> {
        let subject = key(pause);
        if self.last(subject::CONTROL, &subject).await?.is_some() {
            self.note_resume(pause, now).await?;
        }
        let operation = format!("take back {subject}");
        let stream = self.stream(subject::CONTROL).await?;
        let purged = stream.purge().filter(subject).await;
        let purged = purged.map_err(RequestError::of(operation))?;
        self.obey_pauses().await?;
        Ok(purged.purged > 0)
    }

    async fn note_resume(&self, pause: &Pause, now: EpochMs) -> Result<(), WriteError> {
        let (subject, body) = (
            named(RESUMED, pause),
            json!({"version": 1, "at": now.0}).to_string(),
        );
        let bytes = body.len();
        let message = PublishMessage::build().payload(body.into()).ttl(RESUME_NOTED);
        let sent = self.send(&subject, message).await;
        sent.map_err(|error| self.explain(subject, bytes, error))?;
        Ok(())
    }

    /// When pauses were last taken back.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn resumes(&self) -> Result<Vec<Paused>, RequestError> {
        self.noted(RESUMED, "at").await
    }

    /// Every pause that stands.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn pauses(&self) -> Result<Vec<Paused>, RequestError> {
        self.noted(PAUSE, "since").await
    }

    async fn noted(&self, kind: &str, time: &str) -> Result<Vec<Paused>, RequestError> {
        let filter = subject::control(&format!("{kind}.*.*"));
        let (mut from, mut found) = (1, Vec::new());
        while let Some(message) = self.next_message(subject::CONTROL, &filter, from).await? {
            from = message.sequence + 1;
            let body: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
            let since = EpochMs(body[time].as_i64().unwrap_or_default());
            found.extend(parse(&message.subject).map(|pause| Paused { pause, since }));
        }
        Ok(found)
    }

    /// Makes every consumer what the pauses say. Returns how many were held back or let go.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn obey_pauses(&self) -> Result<usize, RequestError> {
        let pauses = self.pauses().await?;
        let mut changed = 0;
        for lane in Lane::ALL {
            for queue in self.queues(lane).await? {
                let wanted = pauses.iter().any(|paused| paused.pause.covers(&queue.route));
                if wanted != queue.is_own_pause() {
                    self.hold(&queue.route, wanted).await?;
                    changed += 1;
                }
            }
        }
        Ok(changed)
    }

    async fn hold(&self, route: &Route, is_paused: bool) -> Result<(), RequestError> {
        let (stream, name) = (subject::lane_stream(route.lane), subject::consumer(route));
        let operation = format!("pause or resume the consumer {name} of {stream}");
        let stream = self.stream(stream).await?;
        let answered = if is_paused {
            stream.pause_consumer(&name, for_ever()).await
        } else {
            stream.resume_consumer(&name).await
        };
        answered.map_err(RequestError::of(operation))?;
        Ok(())
    }
}

/// When a pause that nobody takes back would end.
pub(super) fn for_ever() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(FOR_EVER_S).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn key(pause: &Pause) -> String {
    named(PAUSE, pause)
}

fn named(kind: &str, pause: &Pause) -> String {
    let lane = pause.lane.map_or(ALL, Lane::as_str);
    let class = pause.class.as_ref().map_or(ALL, ClassName::as_str);
    subject::control(&format!("{kind}.{lane}.{class}"))
}

fn parse(subject: &str) -> Option<Pause> {
    let mut tokens = subject.rsplit('.');
    let class = match tokens.next()? {
        ALL => None,
        name => Some(ClassName::new(name).ok()?),
    };
    let lane = match tokens.next()? {
        ALL => None,
        name => Some(name.parse().ok()?),
    };
    Some(Pause { lane, class })
}

fn queue(info: &Info) -> Option<Queue> {
    let route = subject::parse_task(&info.config.filter_subject)?;
    (info.name == subject::consumer(&route)).then_some(Queue {
        route,
        waiting: info.num_pending,
        out: info.num_ack_pending as u64,
        limit: u64::try_from(info.config.max_ack_pending).unwrap_or(0),
        pulls: info.num_waiting as u64,
        delivered: info.delivered.stream_sequence,
        ack_wait: info.config.ack_wait,
        is_paused: info.paused,
        paused_until: info.config.pause_until.filter(|_| info.paused),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_reads_back_from_its_key() {
        let class = Some(ClassName::new("pay").unwrap());
        for lane in [None, Some(Lane::Core), Some(Lane::Normal)] {
            for class in [None, class.clone()] {
                let pause = Pause { lane, class };
                assert_eq!(parse(&key(&pause)), Some(pause));
            }
        }
        assert_eq!(parse("$KV.fl_control.pause.core.a b"), None);
    }
}
