//! What is told of a rollout: a record for people and their tools.

use serde_json::{Value, json};

use super::compare;
use crate::policy::Trial;
use crate::policy::compare::{Comparison, summary};
use crate::policy::rollout::{Finding, Judgement, Ruling, Stage};
use crate::task::EpochMs;
use crate::wire::to_rfc3339;

/// Everything that a judgement was read off.
pub(super) fn seen(
    trial: &Trial,
    stage: &Stage,
    judgement: &Judgement,
    comparison: Option<&Comparison>,
    now: EpochMs,
) -> Value {
    let mut told = judged(trial, stage, judgement, now);
    if let Some(comparison) = comparison {
        // Nothing is promoted, whatever the judgement says.
        let words = summary(comparison.contrasts());
        (told["ruling"], told["words"]) = ("compare".into(), words.into());
        told["comparison"] = compare::told(comparison);
    }
    told
}

fn judged(trial: &Trial, stage: &Stage, judgement: &Judgement, now: EpochMs) -> Value {
    let [stable, canary] = stage.ended();
    let ruling = match &judgement.ruling {
        Ruling::Hold { .. } => "hold",
        Ruling::Promote { .. } => "promote",
        Ruling::RollBack(_) => "roll_back",
    };
    json!({
        "version": 1,
        "candidate": trial.candidate.0,
        "stage": trial.stage,
        "share": f64::from(trial.share().ten_thousandths()) / 10_000.0,
        "at": to_rfc3339(now),
        "stage_ms": now.since(trial.since),
        "ended": {"stable": stable, "canary": canary},
        "ruling": ruling,
        "words": judgement.to_string(),
        "findings": judgement.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn finding(of: &Finding) -> Value {
    json!({
        "measure": of.measure.as_str(),
        "class": of.class.as_ref().map(ToString::to_string),
        "stable": of.stable,
        "canary": of.canary,
        "stable_tasks": of.stable_tasks,
        "canary_tasks": of.canary_tasks,
        "difference": of.difference,
        "upper": of.upper,
        "margin": of.margin,
        "p_value": of.p_value,
        "level": of.level,
    })
}
