//! Notices that tell workers of cancelled tasks, over core NATS: one that is missed costs only the
//! execution, whose result the fence refuses.

use async_nats::Subscriber;
use futures_util::StreamExt;

use super::connect::Broker;
use super::error::RequestError;
use super::subject;
use crate::task::TaskId;

/// The notices from now on, about every task of the mesh.
#[derive(Debug)]
pub struct Cancels(Subscriber);

impl Broker {
    /// Listens for notices. One subscription does for all tasks of a worker.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn cancels(&self) -> Result<Cancels, RequestError> {
        let heard = self.client.subscribe(subject::CANCEL_ANY).await;
        heard
            .map(Cancels)
            .map_err(RequestError::of("subscribe to the notices of cancelled tasks"))
    }

    /// Tells whoever runs a task that it is cancelled. Write its fence first: without it the notice
    /// is ignored.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn tell_cancelled(&self, id: &TaskId) -> Result<(), RequestError> {
        let told = self.client.publish(subject::cancel(id), bytes::Bytes::new());
        told.await
            .map_err(RequestError::of(format!("tell that {id} is cancelled")))
    }
}

impl Cancels {
    /// The task the next notice names; None when the connection is gone for good. A subject that
    /// names none is passed over.
    pub async fn next(&mut self) -> Option<TaskId> {
        loop {
            let notice = self.0.next().await?;
            if let Some(id) = subject::parse_cancel(&notice.subject) {
                return Some(id);
            }
        }
    }
}
