//! How many workers there are, as they are heard.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::Coordinator;
use crate::broker::registry::{Beats, LOST_AFTER};
use crate::clock;
use crate::task::{Moment, WorkerId};

/// A lost worker is noticed by so much later than it is lost.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Counts until the coordinator stops.
pub(super) async fn run(of: Arc<Coordinator>, mut beats: Beats) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut crew, began) = (Crew::default(), clock::monotonic());
    loop {
        tokio::select! {
            heard = beats.next() => match heard {
                Some((id, Some(_))) => crew.there(id, clock::monotonic()),
                Some((id, None)) => crew.gone(&id),
                None => return,
            },
            _ = every.tick() => {
                let now = clock::monotonic();
                let count = crew.count(now);
                of.metrics.workers(count);
                let is_known = count > 0 || now.since(began) > LOST_AFTER;
                of.workers.send_replace(is_known.then_some(count));
            }
            () = of.lifecycle.soft().cancelled() => return,
        }
    }
}

/// When each worker was last heard.
#[derive(Debug, Default)]
struct Crew(BTreeMap<WorkerId, Moment>);

impl Crew {
    fn there(&mut self, id: WorkerId, now: Moment) {
        self.0.insert(id, now);
    }

    fn gone(&mut self, id: &WorkerId) {
        self.0.remove(id);
    }

    fn count(&mut self, now: Moment) -> usize {
        self.0.retain(|_, heard| now.since(*heard) <= LOST_AFTER);
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_is_silent_or_stops_does_not_count() {
        let (a, b) = (WorkerId::new("a").unwrap(), WorkerId::new("b").unwrap());
        let at = |ms| Moment(Duration::from_millis(ms));
        let mut crew = Crew::default();
        crew.there(a.clone(), at(0));
        crew.there(b.clone(), at(1_000));
        assert_eq!(crew.count(at(2_500)), 2);
        assert_eq!(crew.count(at(2_501)), 1, "a is lost");
        crew.there(a, at(2_600));
        crew.gone(&b);
        assert_eq!(crew.count(at(2_700)), 1, "b has stopped");
    }
}
