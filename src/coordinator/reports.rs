//! Reads failure reports and due retries for as long as the coordinator runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::broker::delivery::Delivery;
use crate::broker::reports::{RetrySource, RetryStream};

use super::{Coordinator, judge};

/// Verdicts under way at once: enough to hide the server's answer time.
const UNDER_WAY_MAX: usize = 64;
/// Pause before a source that broke is opened anew.
const REOPEN_PAUSE: Duration = Duration::from_millis(500);

/// First pause before a verdict that was not written is tried again; doubles.
const TRY_AGAIN_MIN: Duration = Duration::from_millis(100);
/// The longest such pause: all of them together outlast a restart of the server, and stay under the
/// time after which it delivers the report again.
const TRY_AGAIN_MAX: Duration = Duration::from_secs(4);

/// Handles one source until the coordinator stops.
pub(super) async fn run(of: Arc<Coordinator>, source: RetrySource, mut stream: RetryStream) {
    let places = Arc::new(Semaphore::new(UNDER_WAY_MAX));
    let soft = of.lifecycle.soft().clone();
    loop {
        let next = tokio::select! {
            next = stream.next() => next,
            () = soft.cancelled() => return,
        };
        match next {
            Ok(delivery) => {
                let Ok(place) = places.clone().acquire_owned().await else {
                    return;
                };
                let of_task = of.clone();
                of.lifecycle.spawn(async move {
                    answer(&of_task, source, delivery).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "reading FL_RETRY broke off; opening it anew");
                match reopen(&of, source).await {
                    Some(opened) => stream = opened,
                    None => return,
                }
            }
        }
    }
}

/// None when the coordinator stops first.
async fn reopen(of: &Coordinator, source: RetrySource) -> Option<RetryStream> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(REOPEN_PAUSE) => (),
            () = of.lifecycle.soft().cancelled() => return None,
        }
        match of.broker.retries(source).await {
            Ok(opened) => return Some(opened),
            Err(error) => tracing::warn!(%error, "cannot open FL_RETRY; trying again"),
        }
    }
}

async fn answer(of: &Coordinator, source: RetrySource, delivery: Delivery) {
    let mut pause = TRY_AGAIN_MIN;
    loop {
        let judged = match source {
            RetrySource::Reports => judge::report(of, &delivery).await,
            RetrySource::Due => judge::due(of, &delivery).await,
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
