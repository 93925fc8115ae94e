//! The answer: one line for people, and all of it as data.

use serde::Serialize;
use serde_json::{Value, json};

use super::data;
use super::find::Found;
use super::look::Look;
use crate::broker::RequestError;
use crate::policy::{Basis, Case, Estimate, Rival, Rivals, Whereabouts, answer, estimate, reasons, rivals};
use crate::task::{EpochMs, Lane};
use crate::wire::to_rfc3339;

/// Why a task stands where it does. What is not known is left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Why {
    /// The task, as whoever asked calls it.
    pub task_id: String,
    /// Its state; unlike in its status, one that runs on a later hop than its first is `running`, too.
    pub state: &'static str,
    /// The answer in one line.
    pub answer: String,
    /// Its class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Who pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The lane it is on or goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane: Option<&'static str>,
    /// Its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The shard of its class that it is in or goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// Executions that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What is before it in its queue, while it waits there: `before`, and whether that is `exact` or at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Value>,
    /// Its queue: `waiting`, `out`, `limit`, `paused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Value>,
    /// What the rule between classes says: `rule`, `part`, `others`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<Value>,
    /// Why, what binds first before the rest; each with `kind` and `text`, and its own figures.
    pub reasons: Vec<Value>,
    /// Workers that act on another policy than this answer goes by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_policy: Vec<String>,
    /// When it starts, unless it has: `known`, `text`, and `from`, `to`, `based_on` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts: Option<Value>,
}

impl Look<'_> {
    /// What there is to say of a task that was found, under the name `called`.
    pub(super) async fn tell(&self, called: &str, found: Found) -> Result<Why, RequestError> {
        let case = self.case(&found).await?;
        let (why, starts) = (reasons(self.policy, &case), estimate(self.policy, &case));
        let route = found.route.as_ref();
        let is_open = match &case.place {
            Whereabouts::Lane(on) => !on.is_delivered,
            Whereabouts::Timer(_) => true,
            _ => false,
        };
        let others = route
            .filter(|_| is_open)
            .map(|route| rivals(self.policy, &case.mesh, route));
        let queue = route.filter(|_| is_open).and_then(|route| case.mesh.queue(route));
        Ok(Why {
            task_id: called.to_owned(),
            state: found.state.as_str(),
            answer: answer(&case, &why, &starts),
            class: found.class.as_ref().map(ToString::to_string),
            tenant: found.tenant.as_ref().map(ToString::to_string),
            lane: route.map(|route| route.lane.as_str()),
            model: found.model.as_ref().map(ToString::to_string),
            shard: route.map(|route| route.shard.to_string()),
            attempt: found.attempt,
            position: position(&case),
            queue: queue.map(|queue| {
                json!({
                    "waiting": queue.waiting, "out": queue.out, "limit": queue.limit, "paused": queue.is_paused,
                })
            }),
            between: others.as_ref().map(between),
            reasons: why.iter().map(|reason| data::of(reason, &case)).collect(),
            other_policy: self.strangers(),
            starts: told(&starts, case.now),
        })
    }
}

fn position(case: &Case) -> Option<Value> {
    match &case.place {
        Whereabouts::Lane(on) if !on.is_delivered => {
            Some(json!({"before": on.ahead.tasks, "exact": on.ahead.is_exact}))
        }
        _ => None,
    }
}

fn between(of: &Rivals) -> Value {
    let part = (of.part * 1000.0).round() / 1000.0;
    json!({"rule": of.rule, "part": part, "others": of.others.iter().map(rival).collect::<Vec<_>>()})
}

pub(super) fn rival(of: &Rival) -> Value {
    json!({
        "class": of.class.as_str(), "lane": Lane::as_str(of.lane), "priority": of.terms.map(|(priority, _)| priority),
        "share": of.terms.map(|(_, share)| share), "waiting": of.waiting, "out": of.out, "order": of.order.as_str(),
    })
}

fn told(of: &Estimate, now: EpochMs) -> Option<Value> {
    match of {
        Estimate::Over => None,
        Estimate::Unknown(unknown) => {
            Some(json!({"known": false, "text": of.told(), "unknown": unknown.as_str()}))
        }
        Estimate::Starts {
            from_ms,
            to_ms,
            basis,
        } => Some(json!({
            "known": true, "text": of.told(),
            "from": to_rfc3339(now.plus_ms(*from_ms)), "to": to_ms.map(|ms| to_rfc3339(now.plus_ms(ms))),
            "in_ms": {"from": from_ms, "to": to_ms},
            "based_on": basis.iter().map(|basis| basis_of(*basis)).collect::<Vec<_>>(),
        })),
    }
}

fn basis_of(basis: Basis) -> Value {
    let mut data = match basis {
        Basis::Timer => json!({"kind": "timer"}),
        Basis::FreeSlot => json!({"kind": "free_slot"}),
        Basis::Pace { per_s, over_ms, part } => {
            json!({"kind": "pace", "per_s": per_s, "over_ms": over_ms, "part": part})
        }
        Basis::Drain { per_s, part } => json!({"kind": "drain", "per_s": per_s, "part": part}),
        Basis::Rate { per_s } => json!({"kind": "rate", "per_s": per_s}),
    };
    data["text"] = Value::from(basis.told());
    data
}
