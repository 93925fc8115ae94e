//! What is known of the oldest task of each queue: read anew only where it may have changed.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;

use super::Coordinator;
use crate::broker::RequestError;
use crate::broker::queues::Queue;
use crate::broker::raw::Raw;
use crate::clock;
use crate::task::{Moment, Route};
use crate::wire::{Arrival, HeadView, Origin, head_view};

/// Heads read at once: enough to hide the server's answer time.
const READS_MAX: usize = 8;
/// A head that was not given out is taken for the head for this long; it may have been cancelled or moved.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// The heads that were read.
#[derive(Default)]
pub(super) struct Heads(HashMap<Route, Known>);

struct Known {
    sequence: u64,
    read_at: Moment,
    head: HeadView,
}

impl Heads {
    /// The heads of these queues.
    pub(super) async fn look(&mut self, of: &Coordinator, queues: &[Queue]) -> Result<(), RequestError> {
        let now = clock::monotonic();
        self.0.retain(|route, known| {
            let queue = queues.iter().find(|queue| queue.route == *route);
            queue.is_some_and(|queue| known.still_is(queue, now))
        });
        let unknown: Vec<&Queue> = queues
            .iter()
            .filter(|queue| queue.waiting > 0 && !queue.is_paused && !self.0.contains_key(&queue.route))
            .collect();
        for some in unknown.chunks(READS_MAX) {
            let read = join_all(some.iter().map(|queue| of.broker.head(queue))).await;
            for (queue, raw) in some.iter().zip(read) {
                if let Some(raw) = raw? {
                    let known = Known {
                        sequence: raw.sequence,
                        read_at: now,
                        head: head(&queue.route, &raw),
                    };
                    self.0.insert(queue.route.clone(), known);
                }
            }
        }
        Ok(())
    }

    /// The head of a queue, if it has one.
    pub(super) fn of(&self, route: &Route) -> Option<HeadView> {
        self.0.get(route).map(|known| known.head)
    }
}

impl Known {
    fn still_is(&self, queue: &Queue, now: Moment) -> bool {
        queue.waiting > 0 && self.sequence > queue.delivered && now.since(self.read_at) < KNOWN_FOR
    }
}

fn head(route: &Route, raw: &Raw) -> HeadView {
    let headers = raw.original.headers();
    let arrival = Arrival {
        route,
        headers: &headers,
        body: &raw.original.body,
        origin: Origin::Lane(raw.sequence),
        stored_at: raw.stored_at,
    };
    head_view(&arrival).with_worth(&headers, &raw.original.body)
}
