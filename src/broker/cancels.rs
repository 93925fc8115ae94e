//! Being told that a task is to stop.

use async_nats::Subscriber;
use futures_util::StreamExt;

use super::connect::Broker;
use super::error::RequestError;
use super::subject;
use crate::task::TaskId;

/// Tasks that somebody cancelled, as they are told. One that is missed costs an execution.
#[derive(Debug)]
pub struct Cancels(Subscriber);

impl Broker {
    /// Listens for cancelled tasks.
    ///
    /// # Errors
    /// [`RequestError`] when the connection is closed.
    pub async fn cancels(&self) -> Result<Cancels, RequestError> {
        let heard = self.client.subscribe(subject::CANCEL_ANY).await;
        let heard = heard.map_err(RequestError::of("listen for cancelled tasks"))?;
        Ok(Cancels(heard))
    }
}

impl Cancels {
    /// The next one. None when the connection is closed for good.
    pub async fn next(&mut self) -> Option<TaskId> {
        loop {
            let message = self.0.next().await?;
            if let Some(id) = subject::parse_cancel(&message.subject) {
                return Some(id);
            }
        }
    }
}
