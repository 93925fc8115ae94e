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
/// Of them, those before the end at which the next subscription is opened.
const FEW_LEFT: u64 = 2;
/// From the beginning of one subscription to the next of the same queue, at least.
const EVERY: Duration = Duration::from_millis(100);
/// Of bodies, from one queue.
const BYTES_PER_S: u64 = 1 << 20;

/// One for each queue of the policy.
pub(super) struct Ears {
    ears: Vec<Ear>,
    /// Each message with the place of its queue and the number of its subscription; without a length where that has ended.
    heard: SelectAll<BoxStream<'static, (usize, u64, Option<usize>)>>,
}

struct Ear {
    route: Route,
    on: String,
    /// The number of its latest subscription, and what is to come from that; 0 where it has ended.
    number: u64,
    left: u64,
    not_before: Moment,
}

impl Ears {
    pub(super) fn of_policy(policy: &Policy) -> Self {
        let ear = |route: Route| Ear {
            on: subject::task(&route),
            route,
            number: 0,
            left: 0,
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
        for place in 0..self.ears.len() {
            if self.ears[place].left == 0 && !busy(&self.ears[place].on) {
                self.listen(broker, place).await;
            }
        }
    }

    /// Goes on listening to a queue of whose subscription little is left, so that nothing is missed in between.
    pub(super) async fn renew(&mut self, broker: &Broker, heard: &[Route]) {
        for place in 0..self.ears.len() {
            if self.ears[place].left <= FEW_LEFT && heard.contains(&self.ears[place].route) {
                self.listen(broker, place).await;
            }
        }
    }

    async fn listen(&mut self, broker: &Broker, place: usize) {
        let (now, ear) = (clock::monotonic(), &mut self.ears[place]);
        if now < ear.not_before {
            return;
        }
        ear.number += 1;
        (ear.left, ear.not_before) = (TASKS, now + EVERY);
        let number = ear.number;
        let heard = broker.arrivals(&ear.route, TASKS).await;
        let heard = heard.map(move |bytes| (place, number, Some(bytes)));
        self.heard
            .push(heard.chain(stream::iter([(place, number, None)])).boxed());
    }

    /// The queue of the next task that is heard; none where a subscription has ended.
    pub(super) async fn next(&mut self) -> Option<Route> {
        let Some((place, number, bytes)) = self.heard.next().await else {
            return std::future::pending().await;
        };
        let ear = &mut self.ears[place];
        let is_latest = number == ear.number;
        let Some(bytes) = bytes else {
            ear.left = if is_latest { 0 } else { ear.left };
            return None;
        };
        ear.left -= u64::from(is_latest && ear.left > 0);
        ear.not_before = ear.not_before + burden(bytes);
        Some(ear.route.clone())
    }
}

/// How long a body of that many bytes keeps its queue from being listened to again.
fn burden(bytes: usize) -> Duration {
    Duration::from_micros(bytes as u64 * 1_000_000 / BYTES_PER_S)
}
