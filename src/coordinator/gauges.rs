//! What the leader saw, as gauges.

use std::collections::BTreeMap;

use super::Coordinator;
use crate::metrics::QueueCounts;
use crate::policy::Edition;
use crate::task::{ClassName, Lane};
use crate::wire::LaneView;

/// The shares of the classes as they were told last.
#[derive(Default)]
pub(super) struct Shares {
    fingerprint: Option<u64>,
    classes: Vec<ClassName>,
}

impl Shares {
    /// Tells them where the policy is another than before; a class that is gone has none.
    pub(super) fn tell(&mut self, of: &Coordinator, policy: &Edition) {
        if self.fingerprint.replace(policy.fingerprint) == Some(policy.fingerprint) {
            return;
        }
        for gone in self.classes.drain(..) {
            of.metrics.share(&gone, 0.0);
        }
        let all: f64 = policy.classes.iter().map(|class| f64::from(class.share)).sum();
        for class in &policy.classes {
            of.metrics
                .share(&class.name, f64::from(class.share) / all.max(1.0));
            self.classes.push(class.name.clone());
        }
    }
}

/// Tells what was seen of a lane, by class.
pub(super) fn seen(of: &Coordinator, view: &LaneView) {
    let mut counts: BTreeMap<&ClassName, QueueCounts> = BTreeMap::new();
    for queue in &view.queues {
        let class = counts.entry(&queue.route.class).or_default();
        class.waiting += queue.depth;
        class.out += queue.running;
        class.limit += u64::from(queue.limit);
    }
    for (class, counts) in counts {
        of.metrics.queue(view.lane, class, counts);
    }
}

/// Tells that somebody else looks.
pub(super) fn nothing_seen(of: &Coordinator) {
    let policy = of.policy();
    for lane in Lane::ALL {
        for class in &policy.classes {
            of.metrics.queue(lane, &class.name, QueueCounts::default());
        }
    }
}
