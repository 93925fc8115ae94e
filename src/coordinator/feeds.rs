//! Reads what there is to decide or deliver for as long as the coordinator runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::broker::delivery::Delivery;
use crate::broker::feed::{Feed, FeedStream};

use super::{Coordinator, callbacks, judge, ticks};

/// Verdicts under way at once: enough to hide the server's answer time.
const VERDICTS_MAX: usize = 64;
/// Deliveries under way at once: receivers that hang must not keep the others waiting.
const DELIVERIES_MAX: usize = 512;
/// Pause before a feed that broke is opened anew.
const REOPEN_PAUSE: Duration = Duration::from_millis(500);

/// First pause before a verdict that was not written is tried again; doubles.
const TRY_AGAIN_MIN: Duration = Duration::from_millis(100);
/// The longest such pause: all of them together outlast a restart of the server, and stay under the
/// time after which it delivers the report again.
const TRY_AGAIN_MAX: Duration = Duration::from_secs(4);

/// Handles one feed until the coordinator stops.
pub(super) async fn run(of: Arc<Coordinator>, feed: Feed, mut stream: FeedStream) {
    let free = Arc::new(Semaphore::new(places(feed)));
    let soft = of.lifecycle.soft().clone();
    loop {
        let next = tokio::select! {
            next = stream.next() => next,
            () = soft.cancelled() => return,
        };
        match next {
            Ok(delivery) => {
                let Ok(place) = free.clone().acquire_owned().await else {
                    return;
                };
                let of_task = of.clone();
                of.lifecycle.spawn(async move {
                    answer(&of_task, feed, delivery).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(?feed, %error, "reading broke off; opening it anew");
                match reopen(&of, feed).await {
                    Some(opened) => stream = opened,
                    None => return,
                }
            }
        }
    }
}

const fn places(feed: Feed) -> usize {
    match feed {
        Feed::Reports | Feed::Due | Feed::Ticks => VERDICTS_MAX,
        Feed::Callbacks => DELIVERIES_MAX,
    }
}

/// None when the coordinator stops first.
async fn reopen(of: &Coordinator, feed: Feed) -> Option<FeedStream> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(REOPEN_PAUSE) => (),
            () = of.lifecycle.soft().cancelled() => return None,
        }
        match of.broker.feed(feed).await {
            Ok(opened) => return Some(opened),
            Err(error) => tracing::warn!(?feed, %error, "cannot open it; trying again"),
        }
    }
}

async fn answer(of: &Coordinator, feed: Feed, delivery: Delivery) {
    let mut pause = TRY_AGAIN_MIN;
    loop {
        let judged = match feed {
            Feed::Reports => judge::report(of, &delivery).await,
            Feed::Due => judge::due(of, &delivery).await,
            Feed::Ticks => ticks::tick(of, &delivery).await,
            Feed::Callbacks => callbacks::deliver(of, &delivery).await,
        };
        let Err(error) = judged else {
            return of.broker.ack(delivery.lease).await;
        };
        if pause > TRY_AGAIN_MAX {
            // Left unanswered on purpose: the server delivers it again after ack_wait, and every
            // write above may be repeated. Handing it back would only repeat it in a hot loop.
            tracing::warn!(%error, "a verdict was not written; it will be taken again");
            return;
        }
        tracing::debug!(%error, "a verdict was not written; trying again");
        tokio::select! {
            () = tokio::time::sleep(pause) => pause *= 2,
            () = of.lifecycle.soft().cancelled() => return,
        }
    }
}
