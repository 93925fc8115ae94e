//! Hearing one key of a bucket, from what it holds on: whatever is missed is found again.

use std::time::Duration;

use async_nats::jetstream::kv::{Operation, Watch};
use bytes::Bytes;
use futures_util::StreamExt;

use super::connect::Broker;
use super::error::RequestError;

/// After so long without a value, the one that stands is looked at: a subscription may have gone deaf.
const SILENT_MAX: Duration = Duration::from_secs(5);
/// Before a watch that ended is opened again: it ends with the connection, which takes as long to come back.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Which key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) bucket: &'static str,
    /// The stream behind the bucket.
    pub(super) stream: &'static str,
    pub(super) name: &'static str,
    /// The subject of the key in that stream.
    pub(super) subject: &'static str,
}

/// Every value of a key, the one that stands first.
pub(super) struct KeyWatch {
    broker: Broker,
    key: Key,
    watch: Option<Watch>,
    /// The revision of the last one.
    heard: u64,
}

impl KeyWatch {
    pub(super) fn new(broker: &Broker, key: Key) -> Self {
        Self {
            broker: broker.clone(),
            key,
            watch: None,
            heard: 0,
        }
    }

    /// The next value; none where the key was deleted. Waits for as long as it takes, also for a server that is away.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            let watch = match &mut self.watch {
                Some(watch) => watch,
                none => match open(&self.broker, self.key).await {
                    Ok(watch) => none.insert(watch),
                    Err(error) => {
                        tracing::debug!(key = self.key.name, %error, "a key is not heard; trying again");
                        tokio::time::sleep(AGAIN_AFTER).await;
                        continue;
                    }
                },
            };
            let Ok(next) = tokio::time::timeout(SILENT_MAX, watch.next()).await else {
                if is_deaf(&self.broker, self.key, self.heard).await {
                    tracing::debug!(
                        key = self.key.name,
                        "a value of a key was not heard; listening anew"
                    );
                    self.watch = None;
                }
                continue;
            };
            match next {
                Some(Ok(entry)) => {
                    self.heard = entry.revision;
                    return (entry.operation == Operation::Put).then_some(entry.value);
                }
                // One after a restart of the server is usual.
                Some(Err(error)) => {
                    tracing::debug!(key = self.key.name, %error, "a value of a key was missed");
                    self.watch = None;
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                None => {
                    self.watch = None;
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        }
    }
}

/// Whether a later value stands than the one that was heard.
async fn is_deaf(broker: &Broker, key: Key, heard: u64) -> bool {
    let standing = broker.last(key.stream, key.subject).await;
    standing.is_ok_and(|found| found.is_some_and(|message| message.sequence > heard))
}

async fn open(broker: &Broker, key: Key) -> Result<Watch, RequestError> {
    let operation = format!("hear the key {} of {}", key.name, key.bucket);
    let bucket = broker.context.get_key_value(key.bucket).await;
    let bucket = bucket.map_err(RequestError::of(operation.clone()))?;
    let watch = bucket.watch_with_history(key.name).await;
    watch.map_err(RequestError::of(operation))
}
