//! Which consumers this worker pulls from, and under which class.

use std::collections::{HashMap, HashSet};

use crate::broker::consumer::ConsumerFacts;
use crate::broker::pull::Puller;
use crate::policy::{Class, Policy};
use crate::scheduler::cost::CostId;
use crate::scheduler::facts::ClassId;
use crate::scheduler::intake::{Intake, IntakeConfig, MeterId, QueueId, QueueSpec};
use crate::scheduler::rate::Meter;
use crate::scheduler::rules::ClassTerms;
use crate::task::{ClassName, Lane, ModelToken, Route, fnv1a_64};

/// The share of a class this worker's policy does not know: it is served, but never before others.
const UNKNOWN_SHARE: f64 = 1.0;
/// Cost assumed for a model this worker's policy does not know, in ms of one slot.
const UNKNOWN_COST_MS: f64 = 20.0;

/// The intake of a worker under `policy` that serves these consumers, each with its limit, in this order.
#[must_use]
pub fn intake_of(policy: &Policy, slots: u32, seed: u64, consumers: &[(Route, u32)]) -> Intake {
    let (mut intake, mut classes) = begin(policy, slots, seed);
    for (route, limit) in consumers {
        classes.add(route, *limit, policy, &mut intake);
    }
    intake
}

/// An intake with the policy's classes and no consumer yet.
pub(super) fn begin(policy: &Policy, slots: u32, seed: u64) -> (Intake, Classes) {
    let mut intake = Intake::new(IntakeConfig {
        slots,
        rules: policy.scheduler,
        seed,
    });
    let classes = Classes::of(policy, &mut intake);
    (intake, classes)
}

/// A seed for the worker of that name. Names that end in numbers that follow each other give seeds that do so, which
/// spread best.
pub(super) fn seed_of(name: &str) -> u64 {
    let digits = name
        .bytes()
        .rev()
        .take_while(u8::is_ascii_digit)
        .take(DIGITS_MAX)
        .count();
    let (stem, number) = name.split_at(name.len() - digits);
    fnv1a_64(stem.as_bytes()).wrapping_add(number.parse().unwrap_or(0))
}

/// Digits that a 64-bit number holds for sure.
const DIGITS_MAX: usize = 19;

/// The classes that were added to the intake.
#[derive(Debug, Default)]
pub(super) struct Classes {
    ids: HashMap<ClassName, ClassId>,
    /// By their numbers.
    names: Vec<ClassName>,
    /// What is learned of cost, per class and model: over lanes and shards alike.
    costs: HashMap<(ClassId, ModelToken), CostId>,
    /// What tokens are counted for, by the intake's number.
    meters: Vec<Meter>,
    /// The rates of the policy that holds.
    rated: HashSet<Meter>,
    /// Every queue, with what may be rated of it.
    queues: Vec<(QueueId, Route)>,
}

impl Classes {
    /// Every class of the policy, in document order, so that shares do not depend on which
    /// consumer was found first.
    pub(super) fn of(policy: &Policy, intake: &mut Intake) -> Self {
        let mut classes = Self::default();
        classes.learn(policy, intake);
        classes
    }

    /// Adds what the policy has and was not known: classes and meters.
    fn learn(&mut self, policy: &Policy, intake: &mut Intake) {
        for class in &policy.classes {
            if !self.ids.contains_key(&class.name) {
                self.ids
                    .insert(class.name.clone(), intake.add_class(class.terms()));
                self.names.push(class.name.clone());
            }
        }
        let rates = policy.rates();
        let classes = rates.classes.into_keys().map(Meter::Class);
        self.rated = classes
            .chain(rates.models.into_keys().map(Meter::Model))
            .collect();
        let mut unknown: Vec<Meter> = self
            .rated
            .iter()
            .filter(|meter| !self.meters.contains(meter))
            .cloned()
            .collect();
        unknown.sort_unstable();
        for meter in unknown {
            intake.add_meter();
            self.meters.push(meter);
        }
    }

    /// Goes over to another policy. A class that it does not have any more keeps its terms until its queues are empty.
    pub(super) fn reform(&mut self, policy: &Policy, intake: &mut Intake) {
        self.learn(policy, intake);
        let terms = self.terms_under(policy, intake);
        intake.reform(policy.scheduler, &terms);
        for (queue, route) in &self.queues {
            intake.measure_by(*queue, self.meters_of(route));
        }
    }

    /// What a policy says of every class, in the order they were added; of one that it does not have, what held before.
    pub(super) fn terms_under(&self, policy: &Policy, intake: &Intake) -> Vec<ClassTerms> {
        let terms = self.names.iter().enumerate().map(|(at, name)| {
            let class = policy.class(name.as_str());
            class.map_or_else(|| *intake.terms(ClassId(at)), Class::terms)
        });
        terms.collect()
    }

    /// Takes nothing more of queues that are not served here.
    pub(super) fn leave(&self, intake: &mut Intake, serves: impl Fn(&Route) -> bool) {
        for (queue, route) in &self.queues {
            if !serves(route) {
                intake.set_limit(*queue, 0);
            }
        }
    }

    fn meters_of(&self, route: &Route) -> Vec<MeterId> {
        let meters = [
            Meter::Class(route.class.clone()),
            Meter::Model(route.model.clone()),
        ];
        let rated = meters.iter().filter(|meter| self.rated.contains(meter));
        rated.filter_map(|meter| self.meter_id(meter)).collect()
    }

    /// All of them.
    pub(super) fn names(&self) -> &[ClassName] {
        &self.names
    }

    /// The one of that number.
    pub(super) fn name(&self, id: ClassId) -> Option<&ClassName> {
        self.names.get(id.0)
    }

    /// What a meter counts for.
    pub(super) fn meter(&self, id: MeterId) -> &Meter {
        &self.meters[id.0]
    }

    /// The meter of something, if its rate is limited.
    pub(super) fn meter_id(&self, meter: &Meter) -> Option<MeterId> {
        self.meters.iter().position(|known| known == meter).map(MeterId)
    }

    fn id(&mut self, name: &ClassName, intake: &mut Intake) -> ClassId {
        *self.ids.entry(name.clone()).or_insert_with(|| {
            tracing::warn!(task.class = %name, "a consumer's class is not in the policy; serving it with the least share");
            self.names.push(name.clone());
            intake.add_class(ClassTerms::new(UNKNOWN_SHARE, u32::MAX))
        })
    }

    /// Adds the consumers that this worker serves and that are new; says how many. `found` are all there are.
    pub(super) fn add_new(
        &mut self,
        found: &[ConsumerFacts],
        policy: &Policy,
        serves: impl Fn(&Route) -> bool,
        intake: &mut Intake,
        puller: &mut Puller,
    ) -> usize {
        let mut added = 0;
        // One that is gone has nothing to give; it may come again.
        for (queue, route) in &self.queues {
            if !serves(route) || !found.iter().any(|consumer| consumer.route == *route) {
                intake.set_limit(*queue, 0);
            }
        }
        for consumer in found.iter().filter(|c| serves(&c.route)) {
            if let Some(known) = puller.queue(&consumer.route) {
                intake.set_limit(known, consumer.max_ack_pending);
                continue;
            }
            let queue = self.add(&consumer.route, consumer.max_ack_pending, policy, intake);
            puller.add(queue, consumer.route.clone());
            added += 1;
        }
        added
    }

    /// Adds one consumer.
    pub(super) fn add(&mut self, route: &Route, limit: u32, policy: &Policy, intake: &mut Intake) -> QueueId {
        let spec = self.spec(route, limit, policy, intake);
        let queue = intake.add_queue(spec);
        intake.measure_by(queue, self.meters_of(route));
        self.queues.push((queue, route.clone()));
        queue
    }

    fn spec(&mut self, route: &Route, limit: u32, policy: &Policy, intake: &mut Intake) -> QueueSpec {
        let class = self.id(&route.class, intake);
        let cost = *self
            .costs
            .entry((class, route.model.clone()))
            .or_insert_with(|| intake.add_cost(estimate_ms(policy, &route.model)));
        QueueSpec {
            class,
            lane: rank(route.lane),
            cost,
            limit,
        }
    }
}

/// A lane by its place, the most urgent first.
const fn rank(lane: Lane) -> u32 {
    match lane {
        Lane::Core => 0,
        Lane::Normal => 1,
    }
}

fn estimate_ms(policy: &Policy, model: &ModelToken) -> f64 {
    policy
        .model_by_token(model)
        .map_or(UNKNOWN_COST_MS, |m| m.cost_initial)
}
