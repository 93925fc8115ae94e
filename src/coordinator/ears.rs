//! Hearing tasks as they are published, where few come.
//!
//! A subscription brings whole tasks, so each ends after a few of them and is opened anew only when that is no burden:
//! what a queue brings to the leading coordinator is bounded in tasks and in bytes per second, however many are published.

use std::time::Duration;

use futures_util::stream::{BoxStream, SelectAll};
use futures_util::{StreamExt, stream};

use super::routes;
use crate::broker::{Broker, subject};
use crate::clock;
use crate::policy::Policy;
use crate::task::{Lane, Moment, Route};

/// Tasks after which a subscription ends.
const TASKS: u64 = 8;
/// From the beginning of one subscription to the next of the same queue, at least.
const EVERY: Duration = Duration::from_millis(100);
/// Of bodies, from one queue.
const BYTES_PER_S: u64 = 1 << 20;

/// One for each queue of the policy.
pub(super) struct Ears {
    ears: Vec<Ear>,
    /// Each message with the place of its queue; without a length where a subscription has ended.
    heard: SelectAll<BoxStream<'static, (usize, Option<usize>)>>,
}

struct Ear {
    route: Route,
    on: String,
    is_open: bool,
    not_before: Moment,
}

impl Ears {
    pub(super) fn of_policy(policy: &Policy) -> Self {
        let ear = |route: Route| Ear {
            on: subject::task(&route),
            route,
            is_open: false,
            not_before: Moment::default(),
        };
        let routes = Lane::ALL
            .into_iter()
            .flat_map(|lane| routes::of_policy(policy, lane));
        Self {
            ears: routes.map(ear).collect(),
            heard: SelectAll::new(),
        }
    }

    /// Listens to every queue again that may be listened to, but for those that are `busy`.
    pub(super) async fn open(&mut self, broker: &Broker, busy: impl Fn(&str) -> bool) {
        let now = clock::monotonic();
        for (place, ear) in self.ears.iter_mut().enumerate() {
            if ear.is_open || now < ear.not_before || busy(&ear.on) {
                continue;
            }
            (ear.is_open, ear.not_before) = (true, now + EVERY);
            let heard = broker.arrivals(&ear.route, TASKS).await;
            let heard = heard.map(move |bytes| (place, Some(bytes)));
            self.heard
                .push(heard.chain(stream::iter([(place, None)])).boxed());
        }
    }

    /// The queue of the next task that is heard; none where a subscription has ended.
    pub(super) async fn next(&mut self) -> Option<Route> {
        let Some((place, bytes)) = self.heard.next().await else {
            return std::future::pending().await;
        };
        let ear = &mut self.ears[place];
        let Some(bytes) = bytes else {
            ear.is_open = false;
            return None;
        };
        ear.not_before = ear.not_before + burden(bytes);
        Some(ear.route.clone())
    }
}

/// How long a body of that many bytes keeps its queue from being listened to again.
fn burden(bytes: usize) -> Duration {
    Duration::from_micros(bytes as u64 * 1_000_000 / BYTES_PER_S)
}
