//! What the leader saw, as gauges.

use std::collections::BTreeMap;

use super::Coordinator;
use crate::metrics::QueueCounts;
use crate::task::{ClassName, Lane};
use crate::wire::LaneView;

/// Tells the shares of the classes, which do not change.
pub(super) fn shares(of: &Coordinator) {
    let all: f64 = of.policy.classes.iter().map(|class| f64::from(class.share)).sum();
    for class in &of.policy.classes {
        of.metrics
            .share(&class.name, f64::from(class.share) / all.max(1.0));
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
    for lane in Lane::ALL {
        for class in &of.policy.classes {
            of.metrics.queue(lane, &class.name, QueueCounts::default());
        }
    }
}
