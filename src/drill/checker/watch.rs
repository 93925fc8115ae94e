//! What ends, as it ends, and what had to be delivered again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::{Message, Subscriber};
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::client::{Client, Trouble};

/// What was delivered more than once: stream and sequence.
type Redelivered = Arc<Mutex<HashSet<(String, u64)>>>;

/// Watches for as long as it is held.
pub(crate) struct Watch {
    ended: watch::Receiver<usize>,
    redelivered: Redelivered,
    _following: AbortOnDropHandle<()>,
    _listening: AbortOnDropHandle<()>,
}

impl Watch {
    /// Starts to watch; the streams must be there.
    pub(crate) async fn start(client: &Client) -> Result<Self, Trouble> {
        let heard = client.nats.subscribe("$JS.ACK.>").await;
        let heard = heard.map_err(Trouble::of("listen to acknowledgements"))?;
        let (tasks, redelivered) = (TaskTracker::new(), Redelivered::default());
        let listening = tasks.spawn(listen(heard, redelivered.clone()));
        let (tell, ended) = watch::channel(0);
        let following = tasks.spawn(follow(client.clone(), tell));
        Ok(Self {
            ended,
            redelivered,
            _following: AbortOnDropHandle::new(following),
            _listening: AbortOnDropHandle::new(listening),
        })
    }

    /// How many tasks have ended.
    pub(crate) fn ended(&self) -> watch::Receiver<usize> {
        self.ended.clone()
    }

    /// How many messages were answered that had been delivered before.
    pub(crate) fn redeliveries(&self) -> u64 {
        self.redelivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len() as u64
    }
}

/// Follows the records as they are stored.
async fn follow(client: Client, tell: watch::Sender<usize>) {
    let mut ended = HashSet::new();
    loop {
        let opened = async {
            let stream = client.jetstream.get_stream("FL_RESULTS").await.ok()?;
            let config = OrderedConfig {
                headers_only: true,
                ..OrderedConfig::default()
            };
            stream.create_consumer(config).await.ok()?.messages().await.ok()
        };
        let Some(mut messages) = opened.await else {
            tokio::task::yield_now().await;
            continue;
        };
        while let Some(Ok(message)) = messages.next().await {
            ended.insert(message.subject.to_string());
            tell.send_replace(ended.len());
        }
    }
}

async fn listen(mut heard: Subscriber, redelivered: Redelivered) {
    while let Some(message) = heard.next().await {
        if let Some(again) = again(&message) {
            redelivered
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(again);
        }
    }
}

/// Stream and sequence of what was delivered before, as the subject of its acknowledgement names them.
fn again(message: &Message) -> Option<(String, u64)> {
    let tokens: Vec<&str> = message.subject.split('.').collect();
    // With a domain and the hash of an account in front, or without.
    let [stream, _consumer, delivered, sequence] = match tokens.len() {
        9 => tokens[2..6].try_into().ok()?,
        11.. => tokens[4..8].try_into().ok()?,
        _ => return None,
    };
    let delivered: u64 = delivered.parse().ok()?;
    (delivered > 1).then_some((stream.to_owned(), sequence.parse().ok()?))
}
