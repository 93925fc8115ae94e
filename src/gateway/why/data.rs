//! A reason for programs: its word, its words, and its figures.

use serde_json::{Value, json};

use super::tell::rival;
use crate::policy::{Absence, Case, Holder, KeyHeld, OnMaxWait, Parent, Reason, Timer};
use crate::task::{ParkReason, State};
use crate::wire::to_rfc3339;

/// `kind`, `text` and what belongs to the kind.
pub(super) fn of(reason: &Reason, case: &Case) -> Value {
    let mut all = figures(reason);
    all["kind"] = Value::from(reason.as_str());
    all["text"] = Value::from(reason.told(case));
    all
}

fn figures(reason: &Reason) -> Value {
    match reason {
        Reason::Ended(ending) => json!({
            "state": ending.state.as_str(), "at": ending.at.map(to_rfc3339), "worker": ending.worker,
            "queued_ms": ending.queued_ms, "exec_ms": ending.exec_ms, "attempt": ending.attempt,
            "error": ending.error.as_ref().map(|(kind, message)| json!({"kind": kind, "message": message})),
            "reason": ending.letter,
        }),
        Reason::Running {
            ack_wait_ms,
            is_served,
        } => {
            json!({"ack_wait_ms": ack_wait_ms, "served": is_served})
        }
        Reason::NoQueue { is_known, .. } => json!({"known": is_known}),
        Reason::Paused { since } => json!({"since": since.map(to_rfc3339)}),
        Reason::NoWorker(absence) => absent(*absence),
        Reason::ClassLimit { out, max }
        | Reason::LaneLimit { out, max }
        | Reason::QueueLimit { out, max } => {
            json!({"out": out, "max": max})
        }
        Reason::Rate { of, per_s, waiting } => json!({"of": of, "per_s": per_s, "waiting": waiting}),
        Reason::SlotsBusy { slots, workers } => json!({"slots": slots, "workers": workers}),
        Reason::Behind(ahead) => json!({"before": ahead.tasks, "exact": ahead.is_exact}),
        Reason::Others(others) => {
            json!({"rule": others.rule, "part": others.part, "others": others.others.iter().map(rival).collect::<Vec<_>>()})
        }
        Reason::Due(timer) => due(timer),
        Reason::LaneFull(fill) => json!({"held": fill.held, "max": fill.max}),
        Reason::Parents { open, failed } => json!({
            "open": open.iter().map(parent).collect::<Vec<_>>(), "failed": failed.iter().map(parent).collect::<Vec<_>>(),
        }),
        Reason::Key(held) => key(held),
        Reason::Overload { level, archived } => json!({
            "level": level.map(|(level, _)| level.number()), "cause": level.map(|(_, cause)| cause.as_str()),
            "archived": archived,
        }),
        Reason::ByHand { why } => json!({"reason": why.map(ParkReason::as_str)}),
        Reason::Verdict { since } => json!({"since": to_rfc3339(*since)}),
        Reason::MaxWait { at, then, .. } => json!({"at": to_rfc3339(*at), "then": follows(*then)}),
        Reason::Lift { at, rule } => json!({"at": to_rfc3339(*at), "rule": rule}),
        Reason::Deadline { at } => json!({"at": to_rfc3339(*at)}),
        Reason::Next | Reason::NoLeader | Reason::Between => json!({}),
    }
}

fn absent(absence: Absence) -> Value {
    let (why, workers) = match absence {
        Absence::Nobody => ("nobody", 0),
        Absence::OtherModels { workers } => ("other_models", workers),
        Absence::HeldBack { workers } => ("held_back", workers),
        Absence::Lost { workers } => ("lost", workers),
    };
    json!({"why": why, "workers": workers})
}

fn due(timer: &Timer) -> Value {
    let error = timer.error.as_ref();
    json!({
        "at": to_rfc3339(timer.due), "attempt": timer.attempt, "retry": timer.is_retry,
        "error": error.map(|(kind, message)| json!({"kind": kind.as_str(), "message": message})),
    })
}

fn parent(of: &Parent) -> Value {
    json!({"task_id": of.id.as_str(), "state": of.state.map(State::as_str)})
}

fn key(held: &KeyHeld) -> Value {
    let holder = |of: &Holder| json!({"task_id": of.task.as_str(), "worker": of.worker, "until": of.until.map(to_rfc3339)});
    json!({
        "key": held.key, "limit": held.limit, "holders": held.holders.iter().map(holder).collect::<Vec<_>>(),
    })
}

const fn follows(then: OnMaxWait) -> &'static str {
    match then {
        OnMaxWait::Promote => "promote",
        OnMaxWait::Demote => "demote",
        OnMaxWait::Expire => "expire",
    }
}
