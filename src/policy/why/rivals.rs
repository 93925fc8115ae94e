//! What the rule between classes puts before a queue, or beside it.

use super::facts::{Mesh, QueueSeen};
use crate::policy::Policy;
use crate::scheduler::rules::Between;
use crate::task::{ClassName, Lane, Route};

/// The share of a class that the policy does not have.
const UNKNOWN_SHARE: f64 = 1.0;

/// How another class stands to a task, under the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// What waits of it goes first.
    Before,
    /// It is served in turn with it, by shares.
    Beside,
    /// Whichever head the rule finds more urgent goes first.
    Compared,
    /// It goes after it, but for what is kept for it.
    After,
}

impl Order {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Beside => "beside",
            Self::Compared => "compared",
            Self::After => "after",
        }
    }
}

/// What waits of a class on a lane, in other queues than the task's own.
#[derive(Debug, Clone, PartialEq)]
pub struct Rival {
    /// The lane.
    pub lane: Lane,
    /// The class.
    pub class: ClassName,
    /// Its priority and its share, where the policy has it.
    pub terms: Option<(u32, u32)>,
    /// Tasks that were not given out.
    pub waiting: u64,
    /// Tasks that are with workers.
    pub out: u64,
    /// How it stands to the task.
    pub order: Order,
    /// Weights of its queues, each with what waits there: what is divided among those that are beside each other.
    pub(super) queues: Vec<(f64, u64)>,
}

/// Whom a queue competes with.
#[derive(Debug, Clone, PartialEq)]
pub struct Rivals {
    /// The rule between classes.
    pub rule: &'static str,
    /// The task's own class.
    pub class: ClassName,
    /// The part of the service that the rule gives its class among those beside it, 0 to 1.
    pub part: f64,
    /// The weight of its own queue.
    pub(super) weight: f64,
    /// Part of the service that is kept for those that others go before; 0 where nothing is.
    pub(super) floor: f64,
    /// The others, those that go first before the others; of the same, the more urgent lane and priority first.
    pub others: Vec<Rival>,
}

impl Rivals {
    /// Tasks that wait and stand to it like that.
    #[must_use]
    pub fn waiting(&self, order: Order) -> u64 {
        let those = self.others.iter().filter(|rival| rival.order == order);
        those.map(|rival| rival.waiting).sum()
    }

    /// Whether anybody is served before it or in turn with it.
    #[must_use]
    pub fn is_contested(&self) -> bool {
        self.others.iter().any(|rival| rival.order != Order::After)
    }

    /// The queues beside it: weight, and what waits.
    pub(super) fn beside(&self) -> impl Iterator<Item = (f64, u64)> {
        let those = self.others.iter().filter(|rival| rival.order == Order::Beside);
        those.flat_map(|rival| rival.queues.iter().copied())
    }
}

/// Whom the queue of `route` competes with: queues in which tasks wait, that nobody holds back, and that a worker of
/// its own model serves, too.
#[must_use]
pub fn rivals(policy: &Policy, mesh: &Mesh, route: &Route) -> Rivals {
    let competing = competing(policy, mesh, route);
    let mut others: Vec<Rival> = Vec::new();
    for queue in competing.iter().filter(|queue| queue.route != *route) {
        let Route { lane, class, .. } = &queue.route;
        let weight = weight(policy, &competing, class, route);
        let known = others.iter_mut().find(|r| r.lane == *lane && r.class == *class);
        if let Some(rival) = known {
            rival.waiting += queue.waiting;
            rival.out += queue.out;
            rival.queues.push((weight, queue.waiting));
            continue;
        }
        let terms = policy
            .class(class.as_str())
            .map(|class| (class.priority, class.share));
        others.push(Rival {
            lane: *lane,
            class: class.clone(),
            terms,
            waiting: queue.waiting,
            out: queue.out,
            order: order(policy, route, &queue.route),
            queues: vec![(weight, queue.waiting)],
        });
    }
    others.sort_by_key(|r| {
        (
            r.order,
            r.lane,
            r.terms.map_or(u32::MAX, |(priority, _)| priority),
        )
    });
    let (floor, rule) = match policy.scheduler.between {
        Between::Strict { floor } => (floor, "strict"),
        other => (0.0, other.as_str()),
    };
    let mut found = Rivals {
        rule,
        class: route.class.clone(),
        part: 1.0,
        weight: weight(policy, &competing, &route.class, route),
        floor,
        others,
    };
    let is_own = |rival: &&Rival| rival.class == route.class;
    let beside = || found.others.iter().filter(|rival| rival.order == Order::Beside);
    let sum = |of: &Rival| of.queues.iter().map(|(weight, _)| weight).sum::<f64>();
    let own = found.weight + beside().filter(is_own).map(sum).sum::<f64>();
    let all = found.weight + beside().map(sum).sum::<f64>();
    found.part = own / all;
    found
}

fn competing<'a>(policy: &Policy, mesh: &'a Mesh, route: &Route) -> Vec<&'a QueueSeen> {
    let name = |route: &Route| {
        policy
            .model_by_token(&route.model)
            .map(|model| model.name.as_str())
    };
    let own = name(route);
    let is_shared = |other: &Route| match (own, name(other)) {
        _ if other.model == route.model => true,
        (Some(own), Some(other)) => {
            let mut crew = mesh.workers.iter();
            crew.any(|worker| worker.is_taking && worker.serves(own) && worker.serves(other))
        }
        _ => false,
    };
    let is_backlogged = |queue: &&QueueSeen| queue.waiting > 0 && !queue.is_paused;
    let queues = mesh.queues.iter().filter(is_backlogged);
    queues.filter(|queue| is_shared(&queue.route)).collect()
}

/// A class's share, divided over its queues in which tasks wait; the task's own queue counts as one.
fn weight(policy: &Policy, competing: &[&QueueSeen], class: &ClassName, own: &Route) -> f64 {
    let share = policy.class(class.as_str());
    let share = share.map_or(UNKNOWN_SHARE, |class| f64::from(class.share));
    let of_class = competing
        .iter()
        .filter(|queue| queue.route.class == *class && queue.route != *own);
    let own = usize::from(own.class == *class);
    share / (of_class.count() + own).max(1) as f64
}

fn order(policy: &Policy, own: &Route, other: &Route) -> Order {
    let priority = |route: &Route| {
        policy
            .class(route.class.as_str())
            .map_or(u32::MAX, |class| class.priority)
    };
    let rank = |route: &Route| (route.lane, priority(route));
    match policy.scheduler.between {
        Between::Weighted => Order::Beside,
        Between::Strict { .. } => match rank(other).cmp(&rank(own)) {
            std::cmp::Ordering::Less => Order::Before,
            std::cmp::Ordering::Equal => Order::Beside,
            std::cmp::Ordering::Greater => Order::After,
        },
        Between::Fifo | Between::Edf { .. } | Between::Aging | Between::Score(_) | Between::Mlfq(_) => {
            Order::Compared
        }
    }
}
