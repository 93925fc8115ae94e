//! Says of late's service how evenly it was divided.

use crate::clock;
use crate::metrics::WorkerMetrics;
use crate::scheduler::fairness::Fairness;
use crate::scheduler::intake::Intake;

use super::queues::Classes;
use super::serve::Done;

/// What this worker's tasks of the last minute took, by class and tenant.
#[derive(Debug, Default)]
pub(super) struct Served(Fairness);

impl Served {
    /// A task is done.
    pub(super) fn note(&mut self, done: &Done, intake: &Intake) {
        let class = intake.class_of(done.queue);
        if let Some(cost_ms) = done.cost_ms {
            self.0.served(class, done.flow, cost_ms, clock::monotonic());
        }
    }

    /// Sets the gauges of all classes.
    pub(super) fn tell(&mut self, classes: &Classes, intake: &Intake, metrics: &WorkerMetrics) {
        let fared = self
            .0
            .classes(clock::monotonic(), |class| intake.terms(class).share);
        for (name, id) in classes.ids() {
            let of_class = fared.iter().find(|fared| fared.class == id);
            let (share_ratio, jain) = of_class.map_or((0.0, 1.0), |fared| (fared.share_ratio, fared.jain));
            metrics.fairness(name, share_ratio, jain);
        }
    }
}
