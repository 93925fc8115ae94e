//! Telling what befell a task, and reading it back.

use bytes::Bytes;

use super::connect::Broker;
use super::error::RequestError;
use super::fetch::{Stored, epoch};
use super::header::to_map;
use super::publish::PublishError;
use super::subject;
use crate::task::{ClassName, EpochMs, EventKind, TaskId};
use crate::wire::header::{MSG_ID, VERSION};
use crate::wire::{Headers, TaskEvent, event_body, read_event};

/// Events of one task that are read: its hops are bounded, and so is what befalls it.
const EVENTS_MAX: usize = 256;

impl Broker {
    /// Tells what befell a task. Nobody waits for the stream: an event that is lost is missing in a view.
    pub async fn tell(&self, class: &ClassName, id: &TaskId, event: &TaskEvent) {
        let (subject, headers, body) = written(class, id, event);
        let sent = self.client.publish_with_headers(subject, to_map(&headers), body);
        if let Err(error) = sent.await {
            tracing::debug!(task.id = %id, %error, "an event was not told");
        }
    }

    /// Tells it and waits until the stream has it: for what explains why something is missing.
    ///
    /// # Errors
    /// [`PublishError`]; telling again is safe.
    pub async fn tell_surely(
        &self,
        class: &ClassName,
        id: &TaskId,
        event: &TaskEvent,
    ) -> Result<(), PublishError> {
        let (subject, headers, body) = written(class, id, event);
        self.publish(subject, headers, body).await?;
        Ok(())
    }

    /// What somebody has done with a dead letter of the task at `since` or later: `Replay` or `Discard`. A task that was
    /// put back from the archive may have ended before that is told: it is no replay of its letter, which would be a
    /// later hop than that of its record.
    ///
    /// # Errors
    /// As [`Broker::events`].
    pub async fn letter_taken(&self, id: &TaskId, since: EpochMs) -> Result<Option<EventKind>, RequestError> {
        let events = self.events(id).await?;
        let later: Vec<&TaskEvent> = events
            .iter()
            .filter(|event| event.stored_at >= since)
            .map(|event| &event.record)
            .filter(|event| matches!(event.kind, EventKind::Replay | EventKind::Discard))
            .collect();
        if later.is_empty() {
            return Ok(None);
        }
        let ended = self.fence(id).await?.map(|standing| standing.record.hop);
        let is_of_letter =
            |event: &&TaskEvent| event.kind == EventKind::Discard || ended.is_none_or(|hop| event.hop > hop);
        Ok(later.into_iter().find(is_of_letter).map(|event| event.kind))
    }

    /// What befell a task, oldest first, as far as the stream still has it.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn events(&self, id: &TaskId) -> Result<Vec<Stored<TaskEvent>>, RequestError> {
        let (filter, mut from, mut found) = (subject::events_of(id), 1, Vec::new());
        while found.len() < EVENTS_MAX {
            let Some(message) = self.next_message(subject::EVENTS, &filter, from).await? else {
                break;
            };
            from = message.sequence + 1;
            found.extend(read_event(&message.payload).map(|record| Stored {
                sequence: message.sequence,
                stored_at: epoch(&message),
                record,
            }));
        }
        Ok(found)
    }
}

fn written(class: &ClassName, id: &TaskId, event: &TaskEvent) -> (String, Headers, Bytes) {
    let mut headers = Headers::default();
    headers.set(VERSION, "1");
    // Two coordinators may come to the same verdict.
    headers.set(MSG_ID, format!("event:{}:{id}:{}", event.kind, event.hop));
    let subject = subject::event(class, id, event.kind.as_str());
    (subject, headers, event_body(event).into())
}
