//! What follows a terminal record: its delivery, and word to whoever still runs the task.

use bytes::Bytes;

use super::connect::Broker;
use super::error::RequestError;
use super::publish::{PublishError, Published, SCHEDULE, SCHEDULE_TARGET};
use super::subject;
use crate::task::{EpochMs, TaskId};
use crate::wire::header::{CALLBACK, CALLBACK_TRY, HOP, MSG_ID, TASK_ID, VERSION};
use crate::wire::{Headers, MessageKind, message_id, to_rfc3339};

impl Broker {
    /// Asks for the delivery of a task's record, the one of `hop`, to `url`.
    ///
    /// # Errors
    /// As [`Broker::publish_task`].
    pub async fn publish_callback(
        &self,
        id: &TaskId,
        hop: u32,
        url: &str,
    ) -> Result<Published, PublishError> {
        let mut headers = headers(id, hop, url);
        headers.set(MSG_ID, message_id(MessageKind::Callback, id, hop));
        self.publish(subject::callback_due(id), headers, Bytes::new())
            .await
    }

    /// The same at a later time, after `tries` deliveries that failed.
    ///
    /// # Errors
    /// As [`Broker::publish_task`].
    pub async fn publish_callback_at(
        &self,
        id: &TaskId,
        hop: u32,
        url: &str,
        tries: u32,
        at: EpochMs,
    ) -> Result<Published, PublishError> {
        let mut headers = headers(id, hop, url);
        headers.set(CALLBACK_TRY, tries.to_string());
        // All tries are of one hop: without their number the second would count as seen.
        headers.set(
            MSG_ID,
            format!("{}:{tries}", message_id(MessageKind::At, id, hop)),
        );
        headers.set(SCHEDULE, format!("@at {}", to_rfc3339(at)));
        headers.set(SCHEDULE_TARGET, subject::callback_due(id));
        self.publish(subject::callback_at(id), headers, Bytes::new())
            .await
    }

    /// Tells whoever runs a task to stop. Nobody confirms it: the fence has decided already.
    ///
    /// # Errors
    /// [`RequestError`] when the connection is closed.
    pub async fn publish_cancel(&self, id: &TaskId) -> Result<(), RequestError> {
        let sent = self.client.publish(subject::cancel(id), Bytes::new()).await;
        sent.map_err(RequestError::of(format!("tell the worker of {id} to stop")))
    }
}

fn headers(id: &TaskId, hop: u32, url: &str) -> Headers {
    let mut headers = Headers::default();
    headers.set(VERSION, "1");
    headers.set(TASK_ID, id.as_str());
    headers.set(CALLBACK, url);
    headers.set(HOP, hop.to_string());
    headers
}
