//! Being told that a task has come to a queue that few wait in.
//!
//! A busy worker looks at silent queues now and then; the more there are, the more seldom at each. Who is told needs not
//! wait for its look. It is a hint: one that is missed costs that wait.

use async_nats::Subscriber;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};

use super::connect::Broker;
use super::error::RequestError;
use super::subject;
use crate::task::{Lane, Route};

/// Queues to which tasks have come, as they are told.
#[derive(Debug)]
pub struct Wakes(Subscriber);

impl Broker {
    /// Tells workers which queues of a lane are worth a look: subjects, a line each. Nobody waits for it.
    pub async fn wake(&self, lane: Lane, routes: &[Route]) {
        let lines: Vec<String> = routes.iter().map(subject::task).collect();
        let told = self
            .client
            .publish(subject::wake(lane), lines.join("\n").into())
            .await;
        if let Err(error) = told {
            tracing::debug!(%lane, %error, "workers were not told of tasks; they look by themselves");
        }
    }

    /// Hears the next `count` tasks that anybody publishes to a queue, as they come: the bytes of each body. Its stream
    /// may have refused it, or have it a moment later. They come over a connection of their own, which may be lost by them.
    pub async fn arrivals(&self, route: &Route, count: u64) -> BoxStream<'static, usize> {
        let Ok(client) = self.ears.client().await else {
            return stream::empty().boxed();
        };
        let heard = match client.subscribe(subject::task(route)).await {
            Ok(mut heard) => heard.unsubscribe_after(count).await.is_ok().then_some(heard),
            Err(error) => {
                tracing::debug!(%error, "cannot hear of tasks that come");
                None
            }
        };
        let Some(heard) = heard else {
            self.ears.give_up_that(&client).await;
            return stream::empty().boxed();
        };
        let (ears, left) = (self.ears.clone(), count);
        // It ends before its time only when the connection has: by a task whose headers nobody can read.
        stream::unfold((heard, left), move |(mut heard, left)| {
            let (ears, client) = (ears.clone(), client.clone());
            async move {
                if let Some(message) = heard.next().await {
                    return Some((message.payload.len(), (heard, left.saturating_sub(1))));
                }
                if left > 0 {
                    ears.give_up_that(&client).await;
                }
                None
            }
        })
        .boxed()
    }

    /// Listens for queues that are worth a look.
    ///
    /// # Errors
    /// [`RequestError`] when the connection is closed.
    pub async fn wakes(&self) -> Result<Wakes, RequestError> {
        let heard = self.client.subscribe(subject::WAKE_ANY).await;
        let heard = heard.map_err(RequestError::of("listen for tasks that have come"))?;
        Ok(Wakes(heard))
    }
}

impl Wakes {
    /// The next ones; lines that name no queue are left out. None when the connection is closed for good.
    pub async fn next(&mut self) -> Option<Vec<Route>> {
        let message = self.0.next().await?;
        let text = String::from_utf8_lossy(&message.payload);
        Some(text.lines().filter_map(subject::parse_task).collect())
    }
}
