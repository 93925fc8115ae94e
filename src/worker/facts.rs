//! What the intake is told of a task that arrives, where its rules ask for more than its queue.

use crate::broker::delivery::{Delivery, arrival};
use crate::clock;
use crate::scheduler::facts::{Flow, Head};
use crate::scheduler::rules::{Between, FlowKey, Rules};
use crate::task::{Moment, Route, Task, fnv1a_64};
use crate::wire::{Origin, read_facts};

/// The label that names a session.
const SESSION: &str = "session";

/// Whose a task is: by tenant or by session, as the policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flows(FlowKey);

impl Flows {
    pub(super) const fn of_rules(rules: &Rules) -> Self {
        match rules.between {
            Between::Mlfq(rules) => Self(rules.by),
            _ => Self(FlowKey::Tenant),
        }
    }

    pub(super) fn of(self, task: &Task) -> Flow {
        let session = match self.0 {
            FlowKey::Session => task.facts.labels.get(SESSION).map(String::as_str),
            FlowKey::Tenant => None,
        };
        Flow(fnv1a_64(session.unwrap_or(task.tenant.as_str()).as_bytes()))
    }
}

/// Reads what the rules compare; of a message that cannot be read, only when it was stored.
pub(super) fn head(flows: Flows, route: &Route, delivery: &Delivery, now: Moment) -> Head {
    let wall = clock::wall();
    let headers = delivery.original.headers();
    let Ok(task) = read_facts(&arrival(route, &headers, delivery, Origin::Lane)) else {
        return Head::arrived(clock::moment(delivery.stored_at, now, wall));
    };
    Head {
        deadline: task.facts.deadline.map(|at| clock::moment(at, now, wall)),
        flow: Some(flows.of(&task)),
        cost_ms: task.facts.cost,
        ..Head::arrived(clock::moment(task.enqueued_at, now, wall))
    }
}
