//! What the worker's loop does when consumers come and go, and when another policy holds.

use std::time::Duration;

use super::facts::Flows;
use super::options::WorkerOptions;
use super::shell::{PICKS, Shell};
use super::timers::{BEATS_PER_ACK_WAIT, heartbeat};
use crate::broker::consumer::ConsumerFacts;
use crate::metrics::Readiness;
use crate::policy::Policy;
use crate::task::Route;

impl Shell {
    pub(super) fn add_queues(&mut self, found: &[ConsumerFacts]) {
        // The consumers decide, not this worker's policy, which may be another than the coordinator's.
        if let Some(least) = found.iter().map(|consumer| consumer.ack_wait).min() {
            self.beat_within(least);
        }
        let options = &self.service.options;
        let policy = options.policy.of_worker(&options.id);
        let (intake, puller) = (&mut self.intake, &mut self.puller);
        let explains = tracing::enabled!(target: PICKS, tracing::Level::TRACE);
        let serves = |route: &Route| {
            options.executors.has(&route.model) && options.policy.serves(&options.id, route.shard)
        };
        let added = self.classes.add_new(found, &policy, serves, intake, puller);
        // A class may have come with them.
        self.asked
            .ask(&options.policy, &options.id, &self.classes, &mut self.intake);
        forget_models(options, &policy, found);
        if added > 0 && explains {
            self.intake.explain(self.puller.names());
        }
        if added > 0 && !self.draining && !self.cordoned {
            self.readiness.send_replace(Readiness::Ready);
        }
    }

    /// Goes over to the policy that holds now. What runs goes on under the one it started with.
    pub(super) fn reform(&mut self) {
        let options = &self.service.options;
        let policy = options.policy.of_worker(&options.id);
        self.flows = Flows::under(&policy, &options.policy);
        self.classes.reform(&policy, &mut self.intake);
        self.asked
            .ask(&options.policy, &options.id, &self.classes, &mut self.intake);
        // At once from the track that it leaves; the other one is looked for.
        let (served, intake) = (&options.policy, &mut self.intake);
        self.classes
            .leave(intake, |route| served.serves(&options.id, route.shard));
        self.look.notify_one();
        // The coordinator shortens it at the consumers once everybody is faster.
        let ack_wait_ms = policy.core.ack_wait_ms.min(policy.normal.ack_wait_ms);
        self.beat_within(Duration::from_millis(ack_wait_ms));
        self.acting.send_replace(policy.version);
        tracing::debug!(policy = %policy.version, "choosing by another policy");
    }

    /// Gives signs of life often enough for consumers that wait so long for them.
    fn beat_within(&mut self, ack_wait: Duration) {
        if ack_wait / BEATS_PER_ACK_WAIT < self.heartbeat.period() {
            self.heartbeat = heartbeat(ack_wait);
        }
    }
}

/// A model that the policy does not have any more is served until no queue of it is left.
fn forget_models(options: &WorkerOptions, policy: &Policy, found: &[ConsumerFacts]) {
    let executors = &options.executors;
    let (stable, trial) = (options.policy.now(), options.policy.trial());
    for model in executors.models() {
        let is_wanted = policy.model_by_token(&model).is_some()
            || stable.model_by_token(&model).is_some()
            || trial
                .as_ref()
                .is_some_and(|on| on.edition.model_by_token(&model).is_some())
            || found.iter().any(|consumer| consumer.route.model == model);
        if !is_wanted {
            tracing::info!(%model, "the model is served no more: it is not in the policy, and no queue of it is left");
            executors.forget(&model);
        }
    }
}
