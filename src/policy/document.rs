//! The validated policy: what every process acts on. It is immutable; a change is a new one.

use super::{OverloadRules, RetryTable};
use crate::scheduler::rate::{Rate, Rates};
use crate::scheduler::rules::{ClassTerms, LookAhead, Rules};
use crate::task::{ClassName, Lane, ModelName, ModelToken, fnv1a_64};

/// How the mesh schedules, bounds and retries. Built by `config` alone, which guarantees the
/// invariants noted on the fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The version of the document's shape; 1.
    pub version: u64,
    /// How a worker chooses between classes.
    pub scheduler: Rules,
    /// Limits of the core lane.
    pub core: LanePolicy,
    /// Limits of the normal lane.
    pub normal: LanePolicy,
    /// Invariant: at least one, in document order, names distinct.
    pub classes: Vec<Class>,
    /// Invariant: one of `classes`. Takes tasks whose class cannot be told.
    pub default_class: ClassName,
    /// What lifts a task to another lane than its class's.
    pub marking: Option<Marking>,
    /// Invariant: at least one, in document order, names and tokens distinct.
    pub models: Vec<Model>,
    /// Back-off between attempts, for classes that have none of their own.
    pub retry: RetryTable,
    /// What ends a task that would go on for ever.
    pub bounds: Bounds,
    /// Delivery of results.
    pub callbacks: CallbackRules,
    /// When tasks are turned away, and which.
    pub overload: OverloadRules,
    /// How many tasks of one `concurrency_key` run at once.
    pub keys: KeyRules,
}

/// Limits of one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LanePolicy {
    /// Tasks of the lane that may run at once, over the whole mesh; at least the number of its consumers.
    pub concurrency: u32,
    /// Time to the first output, and per idle gap after it, in ms.
    pub timeout_ms: u64,
    /// What follows a timeout.
    pub on_timeout: OnTimeout,
    /// What follows overload.
    pub on_overload: OnOverload,
    /// Classes up to this priority go to this lane by default; only on core.
    pub max_priority: Option<u32>,
    /// How long the server waits for a sign of life before it redelivers, in ms.
    pub ack_wait_ms: u64,
}

/// What follows a timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTimeout {
    /// Go on in the next lower lane; in the lowest, try again.
    Demote,
    /// Park it in the archive, until somebody takes it out by hand.
    Archive,
    /// Try again like after any other failure.
    Retry,
}

/// What follows overload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnOverload {
    /// From level 1 on, new tasks that are less urgent than the lane's most urgent class are refused.
    RejectLower,
    /// From level 2 on, new tasks are put aside in the archive, until there is room.
    Archive,
}

/// One business scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// Its name.
    pub name: ClassName,
    /// Lower is more urgent.
    pub priority: u32,
    /// Its part of the service among backlogged classes, relative to theirs; at least 1.
    pub share: u32,
    /// Bound on its tasks that run at once per lane, over the whole mesh; at least 1.
    pub max_concurrent: Option<u32>,
    /// Hash buckets its tenants are spread over; 1 unless it asks for isolation.
    pub shards: u16,
    /// Shards a tenant of it may use, of which the gateway takes the emptiest; 1 to `shards`.
    pub hand: u16,
    /// How long its tasks may wait on a lane, and what follows; none where they may wait for ever.
    pub max_wait: Option<MaxWait>,
    /// What follows for its tasks when one that they depend on does not complete.
    pub on_dependency_failed: OnDependencyFailed,
    /// Its own back-off; none where the document's holds.
    pub retry: Option<RetryTable>,
    /// Wait and service together that its tasks should keep to, in ms; at least 1.
    pub slo_ms: Option<u64>,
    /// Its own aging; none where its share and the default growth count.
    pub aging: Option<Aging>,
    /// The order of its tasks.
    pub lookahead: LookAhead,
    /// How many of its tasks may start in a time, over the whole mesh; none for no limit.
    pub rate: Option<Rate>,
}

/// How the tasks of a class age where the rule between classes is `aging`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aging {
    /// Score of a task that has not waited; at least 0.
    pub base: f64,
    /// Growth of the exponent, per second; more than 0.
    pub alpha: f64,
}

impl Class {
    /// What the scheduler knows of it.
    #[must_use]
    pub fn terms(&self) -> ClassTerms {
        let terms = ClassTerms::new(f64::from(self.share), self.priority);
        ClassTerms {
            aging_base: self.aging.map_or(terms.aging_base, |aging| aging.base),
            aging_alpha: self.aging.map_or(terms.aging_alpha, |aging| aging.alpha),
            slo_ms: self.slo_ms,
            lookahead: self.lookahead,
            ..terms
        }
    }
}

/// How long a task may wait on its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxWait {
    /// The bound, in ms.
    pub ms: u64,
    /// What follows.
    pub then: OnMaxWait,
}

/// What follows when a task has waited for longer than its class allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMaxWait {
    /// It goes on waiting in the next more urgent lane.
    Promote,
    /// It goes on waiting in the next less urgent lane.
    Demote,
    /// It ends as expired.
    Expire,
}

/// What follows for a task when one that it depends on ends without having completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDependencyFailed {
    /// It becomes a dead letter.
    Dead,
    /// It runs all the same, once all the others have ended.
    Run,
}

/// One model that tasks may name.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Its real name.
    pub name: ModelName,
    /// What runs it.
    pub executor: ExecutorKind,
    /// The unit its cost is counted in.
    pub cost_unit: CostUnit,
    /// Estimated cost of one task before any was seen, in `cost_unit`; more than 0.
    pub cost_initial: f64,
    /// How many of its tasks may start in a time, over the whole mesh; none for no limit.
    pub rate: Option<Rate>,
    /// How tasks are put together in one run of the model.
    pub batch: Option<BatchWindow>,
}

/// What runs a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecutorKind {
    /// A sentence embedding in this process.
    Embed,
    /// No model: waits as long as the task says.
    Simulate,
    /// Child processes that speak lines of JSON.
    Process(ProcessRules),
}

/// How the child processes of one model are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessRules {
    /// Program and arguments; invariant: at least the program, which is not empty.
    pub command: Vec<String>,
    /// How many run at once, at least 1; None: as many as the worker has slots, within the
    /// executor's own bound.
    pub processes: Option<u32>,
    /// Bound on the data of one process, in MiB; at least 16.
    pub memory_mb_max: Option<u64>,
    /// How long one may take until it is ready, in ms; at least 1.
    pub start_ms_max: u64,
    /// Tasks after which one is replaced; at least 1.
    pub tasks_max: Option<u32>,
}

/// The unit of a cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostUnit {
    /// Milliseconds of one slot.
    Ms,
}

/// How tasks are put together in one run of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchWindow {
    /// How long the first waits for others that are on their way, in ms.
    pub window_ms: u64,
    /// Most tasks in one run; at least 1.
    pub size_max: u32,
    /// Most tokens in one run of several tasks, at least 1; none for no bound.
    pub tokens_max: Option<u32>,
}

/// What lifts a task to another lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Marking {
    /// A deadline nearer than this marks the task, in seconds.
    pub deadline_within_s: Option<u64>,
    /// A business weight above this marks the task.
    pub business_weight_over: Option<f64>,
    /// Where a marked task goes.
    pub lane: Lane,
}

/// Delivery of results to a `callback_url`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CallbackRules {
    /// Bound on the delay before the second delivery, in ms.
    pub base_ms: u64,
    /// Growth of that bound per further delivery; at least 1.
    pub factor: f64,
    /// The bound grows no further than this, in ms; at least `base_ms`.
    pub max_ms: u64,
    /// Deliveries before it is given up; at least 1.
    pub max_attempts: u32,
    /// How long one delivery may take, in ms.
    pub timeout_ms: u64,
}

/// How many tasks of one `concurrency_key` run at once, over the whole mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRules {
    /// How long a key stays taken of whose holder nothing is heard any more, in s; at least 2.
    pub lease_s: u64,
    /// Of a key that begins with none of `prefixes`; at least 1.
    pub limit: u32,
    /// Of keys that begin so, in document order, distinct; each at least 1.
    pub prefixes: Vec<(String, u32)>,
}

impl KeyRules {
    /// How many tasks of `key` run at once: by the longest prefix that it begins with.
    #[must_use]
    pub fn limit_of(&self, key: &str) -> u32 {
        let begins = self
            .prefixes
            .iter()
            .filter(|(prefix, _)| key.starts_with(prefix.as_str()));
        begins
            .max_by_key(|(prefix, _)| prefix.len())
            .map_or(self.limit, |(_, limit)| *limit)
    }
}

/// What ends a task that would go on for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Deliveries after which a task is reported as poison instead of run; at least 1.
    pub crash_limit: u32,
    /// Timeouts in the lowest running lane before the task is dead; at least 1.
    pub max_timeouts: u32,
    /// Publications after the first before the task is dead; at least 1.
    pub max_hops: u32,
}

impl Policy {
    /// How many tasks may start in a time.
    #[must_use]
    pub fn rates(&self) -> Rates {
        let classes = self.classes.iter().map(|class| (class.name.clone(), class.rate));
        let models = self.models.iter().map(|model| (model.name.token(), model.rate));
        Rates {
            classes: classes.filter_map(|(name, rate)| Some((name, rate?))).collect(),
            models: models.filter_map(|(token, rate)| Some((token, rate?))).collect(),
        }
    }

    /// A number that tells two policies apart, whatever their documents are called. The same document may have
    /// another one in another version of Fairlane.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        fnv1a_64(format!("{self:?}").as_bytes())
    }

    /// The limits of `lane`.
    #[must_use]
    pub const fn lane(&self, lane: Lane) -> &LanePolicy {
        match lane {
            Lane::Core => &self.core,
            Lane::Normal => &self.normal,
        }
    }

    /// The class of that name.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.classes.iter().find(|c| c.name.as_str() == name)
    }

    /// How tasks of `class` are tried again.
    #[must_use]
    pub fn retry_of(&self, class: &ClassName) -> &RetryTable {
        let own = self.class(class.as_str()).and_then(|class| class.retry.as_ref());
        own.unwrap_or(&self.retry)
    }

    /// The model of that real name.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|m| m.name.as_str() == name)
    }

    /// The model that travels under `token`.
    #[must_use]
    pub fn model_by_token(&self, token: &ModelToken) -> Option<&Model> {
        self.models.iter().find(|m| m.name.token() == *token)
    }
}
