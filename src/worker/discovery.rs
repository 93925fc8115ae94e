//! Finding consumers beside the worker's loop: a slow API must not keep signs of life from being
//! sent, or what runs would be delivered to somebody else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use crate::broker::consumer::ConsumerFacts;
use crate::broker::{Broker, RequestError};
use crate::clock;
use crate::lifecycle::Lifecycle;
use crate::task::Lane;

/// How often a worker looks for new consumers once there are any.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Looks after which the whole list is asked for although no name has changed: limits may have.
const LOOKS_WHOLE: u32 = 6;
/// How often while there are none.
const LOOK_FIRST: Duration = Duration::from_millis(250);

/// Looks at the consumers of all lanes, again and again.
pub(super) struct Discovery {
    broker: Broker,
    /// The names at the last look, by lane; the full list is only asked for when they differ.
    known: [Vec<String>; 2],
    looks: u32,
}

impl Discovery {
    pub(super) fn new(broker: Broker) -> Self {
        Self {
            broker,
            known: Default::default(),
            looks: 0,
        }
    }

    /// All consumers, if any name has changed since the last look, and from time to time; else none.
    pub(super) async fn look(&mut self) -> Result<Vec<ConsumerFacts>, RequestError> {
        self.looks = (self.looks + 1) % LOOKS_WHOLE;
        let mut names: [Vec<String>; 2] = Default::default();
        for (names, lane) in names.iter_mut().zip(Lane::ALL) {
            *names = self.broker.consumer_names(lane).await?;
            names.sort_unstable();
        }
        if names == self.known && self.looks != 0 {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for lane in Lane::ALL {
            found.extend(self.broker.consumers(lane).await?);
        }
        self.known = names;
        Ok(found)
    }

    /// Goes on looking until the worker stops; what it finds is received.
    pub(super) fn run(
        mut self,
        asked: Arc<Notify>,
        lifecycle: &Lifecycle,
    ) -> mpsc::Receiver<Vec<ConsumerFacts>> {
        // One list at a time: the next look waits until the last was taken.
        let (tell, found) = mpsc::channel(1);
        let soft = lifecycle.soft().clone();
        lifecycle.spawn(async move {
            let looking = async {
                loop {
                    let none = self.known.iter().all(Vec::is_empty);
                    let pause = if none { LOOK_FIRST } else { LOOK_EVERY };
                    let due = clock::instant(clock::monotonic() + pause);
                    tokio::select! {
                        () = tokio::time::sleep_until(due) => (),
                        () = asked.notified() => self.looks = LOOKS_WHOLE - 1,
                    }
                    match self.look().await {
                        Ok(found) if found.is_empty() => (),
                        Ok(found) => {
                            if tell.send(found).await.is_err() {
                                return;
                            }
                        }
                        Err(error) => tracing::warn!(%error, "cannot look for consumers; trying again"),
                    }
                }
            };
            tokio::select! { () = looking => (), () = soft.cancelled() => () }
        });
        found
    }
}
