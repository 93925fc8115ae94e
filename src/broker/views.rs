//! Telling what waits on a lane, and hearing it.

use async_nats::Subscriber;
use futures_util::StreamExt;

use super::connect::Broker;
use super::error::RequestError;
use super::header::to_map;
use super::queues::Queue;
use super::raw::Raw;
use super::subject;
use crate::wire::header::VERSION;
use crate::wire::{Headers, LaneView, read_view, view_body};

/// Views as they are told. One that is missed is made up for by the next.
#[derive(Debug)]
pub struct Views(Subscriber);

impl Broker {
    /// The oldest task of a queue that was not given out, whatever its headers are.
    ///
    /// # Errors
    /// [`RequestError`] when the server does not answer.
    pub async fn head(&self, queue: &Queue) -> Result<Option<Raw>, RequestError> {
        let stream = subject::lane_stream(queue.route.lane);
        self.raw_next(stream, &subject::task(&queue.route), queue.delivered + 1)
            .await
    }

    /// Tells what waits on a lane. Nobody confirms it.
    ///
    /// # Errors
    /// [`RequestError`] when the connection is closed.
    pub async fn tell_view(&self, view: &LaneView) -> Result<(), RequestError> {
        let mut headers = Headers::default();
        headers.set(VERSION, "1");
        let (subject, body) = (subject::view(view.lane), view_body(view));
        let sent = self
            .client
            .publish_with_headers(subject, to_map(&headers), body.into());
        sent.await
            .map_err(RequestError::of(format!("tell what waits on {}", view.lane)))
    }

    /// Listens for views of every lane.
    ///
    /// # Errors
    /// [`RequestError`] when the connection is closed.
    pub async fn views(&self) -> Result<Views, RequestError> {
        let heard = self.client.subscribe(subject::VIEW_ANY).await;
        Ok(Views(heard.map_err(RequestError::of("listen for what waits"))?))
    }
}

impl Views {
    /// The next one that can be read. None when the connection is closed for good.
    pub async fn next(&mut self) -> Option<LaneView> {
        loop {
            let message = self.0.next().await?;
            match read_view(&message.payload) {
                Ok(view) if subject::view(view.lane) == message.subject.as_str() => return Some(view),
                Ok(view) => {
                    tracing::debug!(nats.subject = %message.subject, lane = %view.lane, "a view of another lane")
                }
                Err(error) => {
                    tracing::debug!(nats.subject = %message.subject, %error, "a view that cannot be read")
                }
            }
        }
    }
}
