//! Which consumers this worker pulls from, and under which class.

use std::collections::HashMap;

use crate::broker::consumer::ConsumerFacts;
use crate::broker::pull::Puller;
use crate::executor::Executors;
use crate::policy::Policy;
use crate::scheduler::intake::{Intake, QueueSpec};
use crate::scheduler::weighted::ClassId;
use crate::task::{ClassName, ModelToken};

/// The share of a class this worker's policy does not know: it is served, but never before others.
const UNKNOWN_SHARE: u32 = 1;
/// Cost assumed for a model this worker's policy does not know, in ms of one slot.
const UNKNOWN_COST_MS: f64 = 20.0;

/// The classes that were added to the intake.
#[derive(Debug, Default)]
pub(super) struct Classes {
    ids: HashMap<ClassName, ClassId>,
}

impl Classes {
    /// Every class of the policy, in document order, so that shares do not depend on which
    /// consumer was found first.
    pub(super) fn of(policy: &Policy, intake: &mut Intake) -> Self {
        let ids = policy
            .classes
            .iter()
            .map(|c| (c.name.clone(), intake.add_class(f64::from(c.share))))
            .collect();
        Self { ids }
    }

    fn id(&mut self, name: &ClassName, intake: &mut Intake) -> ClassId {
        *self.ids.entry(name.clone()).or_insert_with(|| {
            tracing::warn!(task.class = %name, "a consumer's class is not in the policy; serving it with the least share");
            intake.add_class(f64::from(UNKNOWN_SHARE))
        })
    }

    /// Adds the consumers of models this worker serves that are new; says how many.
    pub(super) fn add_new(
        &mut self,
        found: &[ConsumerFacts],
        policy: &Policy,
        executors: &Executors,
        intake: &mut Intake,
        puller: &mut Puller,
    ) -> usize {
        let mut added = 0;
        for consumer in found.iter().filter(|c| executors.get(&c.route.model).is_some()) {
            if let Some(known) = puller.queue(&consumer.route) {
                intake.set_limit(known, consumer.max_ack_pending);
                continue;
            }
            let spec = QueueSpec {
                class: self.id(&consumer.route.class, intake),
                estimate_ms: estimate_ms(policy, &consumer.route.model),
                limit: consumer.max_ack_pending,
            };
            puller.add(intake.add_queue(spec), consumer.route.clone());
            added += 1;
        }
        added
    }
}

fn estimate_ms(policy: &Policy, model: &ModelToken) -> f64 {
    policy
        .model_by_token(model)
        .map_or(UNKNOWN_COST_MS, |m| m.cost_initial)
}
