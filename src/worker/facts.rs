//! What the intake is told of a task that arrives or waits, where its rules ask for more than its queue.

use crate::broker::delivery::{Delivery, arrival};
use crate::clock;
use crate::config::LivePolicy;
use crate::policy::Policy;
use crate::scheduler::facts::{Flow, Head};
use crate::scheduler::rules::{Between, FlowKey, Rules};
use crate::task::{EpochMs, Moment, Route, Task, fnv1a_64};
use crate::wire::{HeadView, Origin, SESSION, head_view};

/// What of a task its rules compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flows {
    /// Whose it is: by tenant or by session.
    pub(super) by: FlowKey,
    /// Whether what its caller thinks it is worth counts, for which its body has to be read.
    pub(super) weighs: bool,
    /// Whether heads are compared at all.
    pub(super) compares: bool,
    /// Whether they are to be known: they are compared, or another policy is asked that does so.
    sees: bool,
}

impl Flows {
    /// By the rules that are acted on. What is told of a task is what these make of it; those that are `asked` beside them
    /// see the same.
    pub(super) fn of_rules(rules: &Rules, asked: Option<&Rules>) -> Self {
        let by = match rules.between {
            Between::Mlfq(rules) => rules.by,
            _ => FlowKey::Tenant,
        };
        let compares = rules.between.compares_heads();
        Self {
            by,
            weighs: matches!(rules.between, Between::Score(_)),
            compares,
            sees: compares || asked.is_some_and(|asked| asked.between.compares_heads()),
        }
    }

    /// As a worker chooses by that edition.
    pub(super) fn under(policy: &Policy, live: &LivePolicy) -> Self {
        let asked = live.shadow();
        Self::of_rules(&policy.scheduler, asked.as_ref().map(|asked| &asked.scheduler))
    }

    /// Whether heads are to be known.
    pub(super) const fn sees(self) -> bool {
        self.sees
    }

    pub(super) fn of(self, task: &Task) -> Flow {
        let session = match self.by {
            FlowKey::Session => task.facts.labels.get(SESSION).map(String::as_str),
            FlowKey::Tenant => None,
        };
        Flow(fnv1a_64(session.unwrap_or(task.tenant.as_str()).as_bytes()))
    }

    fn of_view(self, head: &HeadView) -> Option<Flow> {
        let session = head.session.filter(|_| self.by == FlowKey::Session);
        session.or(head.tenant).map(Flow)
    }
}

/// Reads what the rules compare; of a message that cannot be read, only when it was stored.
pub(super) fn head(flows: Flows, route: &Route, delivery: &Delivery, now: Moment) -> Head {
    let headers = delivery.original.headers();
    let seen = head_view(&arrival(route, &headers, delivery, Origin::Lane));
    let seen = match flows.weighs {
        true => seen.with_worth(&headers, &delivery.original.body),
        false => seen,
    };
    known(flows, &seen, now, clock::wall())
}

/// What is known of a task, in this process's own time: `now` and `wall` are the same moment.
pub(super) fn known(flows: Flows, seen: &HeadView, now: Moment, wall: EpochMs) -> Head {
    Head {
        deadline: seen.deadline.map(|at| clock::moment(at, now, wall)),
        flow: flows.of_view(seen),
        urgency: seen.urgency.unwrap_or(0.0),
        business_weight: seen.business_weight.unwrap_or(0.0),
        cost_ms: seen.cost_ms,
        ..Head::arrived(clock::moment(seen.enqueued_at, now, wall))
    }
}
