//! From what a stage has seen to what is to happen.

use super::evidence::Evidence;
use super::plan::{Plan, Scope};
use super::record::{ClassRecord, Record};
use super::ruling::{Finding, Ground, Harm, Judgement, Measure, Missing, Ruling};
use super::share::Share;
use super::stage::Stage;
use crate::task::ClassName;

/// A task that has waited too long does harm when it has done so for this long, in ms: one that starts meanwhile was no
/// more than late.
const STARVED_MS: u64 = 5_000;

/// Canary tasks of a comparison from which on a difference that nothing proves holds up a promotion by default.
const DOUBT_TASKS: u64 = 100;

/// Counts what was seen since the last look, and says what is to happen.
///
/// `stable` and `canary` hold what ended since the last look, and the tasks that wait now; `elapsed_ms` is the age of
/// the stage. The coordinator asks about once a second, and may ask whenever it likes: every bound holds at all looks
/// together. After a promotion [`Stage::next`] begins.
#[must_use]
pub fn judge(
    plan: &Plan,
    stage: &mut Stage,
    stable: &Evidence,
    canary: &Evidence,
    elapsed_ms: u64,
) -> Judgement {
    stage.look(plan, stable, canary, elapsed_ms);
    let findings = findings(plan, stage);
    let ruling = match stage.share(plan) < Share::WHOLE {
        true => rule(plan, stage, &findings),
        false => unwatched(plan, stage),
    };
    Judgement { ruling, findings }
}

fn findings(plan: &Plan, stage: &Stage) -> Vec<Finding> {
    let is_measured = |measure| stage.classes.values().any(|record| record.is_measured(measure));
    let all = Measure::ALL.map(|measure| Finding {
        is_measured: is_measured(measure),
        ..finding(plan, stage, Scope::All, measure, &stage.total[measure.index()])
    });
    let of_class = |(class, record): (&ClassName, &ClassRecord)| {
        Measure::ALL.map(|measure| Finding {
            class: Some(class.clone()),
            is_measured: record.is_measured(measure),
            limit_ms: record.limit_ms().filter(|_| measure == Measure::Waits),
            ..finding(
                plan,
                stage,
                Scope::Class,
                measure,
                &record.records[measure.index()],
            )
        })
    };
    all.into_iter()
        .chain(stage.classes.iter().flat_map(of_class))
        .collect()
}

fn finding(plan: &Plan, stage: &Stage, scope: Scope, measure: Measure, record: &Record) -> Finding {
    let seen = record.paired.seen();
    let rate = |bad: u64, of: u64| bad as f64 / of.max(1) as f64;
    Finding {
        measure,
        class: None,
        stable: rate(seen.stable_bad, seen.stable),
        canary: rate(seen.canary_bad, seen.canary),
        stable_tasks: seen.stable,
        canary_tasks: seen.canary,
        difference: record.paired.difference(),
        error: record.paired.error(),
        least: plan.margins.harm(measure),
        upper: record.paired.upper(plan.promote_alpha),
        margin: plan.margins.promotion(measure),
        p_value: record.wealth.p_value(),
        level: plan.level(scope, stage.classes.len()),
        is_measured: false,
        limit_ms: None,
    }
}

/// Harm first: what is shown to be no worse on the whole may be worse for one class.
fn rule(plan: &Plan, stage: &Stage, findings: &[Finding]) -> Ruling {
    let starved = stage
        .classes
        .iter()
        .find_map(|(class, record)| starved(stage, class, record));
    let worse = || findings.iter().find(|finding| finding.is_worse()).cloned();
    if let Some(harm) = starved.or_else(|| worse().map(Harm::Worse)) {
        return Ruling::RollBack(harm);
    }
    let mut missing = unmet(plan, stage);
    missing.extend(doubts(plan, stage, findings));
    let has_aged = stage.elapsed_ms >= plan.stage_ms_max;
    let unproven: Vec<Missing> = unproven(plan, findings).collect();
    let ground = match unproven.is_empty() {
        true => Ground::Shown,
        false => Ground::Default,
    };
    if missing.is_empty() && (has_aged || ground == Ground::Shown) {
        return Ruling::Promote {
            to: stage.next_share(plan),
            ground,
        };
    }
    missing.extend(unproven);
    Ruling::Hold { missing }
}

/// A stage in which there is nothing to compare with ends by its time.
fn unwatched(plan: &Plan, stage: &Stage) -> Ruling {
    match plan.stage_ms_min.saturating_sub(stage.elapsed_ms) {
        0 => Ruling::Promote {
            to: stage.next_share(plan),
            ground: Ground::Unwatched,
        },
        left_ms => Ruling::Hold {
            missing: vec![Missing::Time { left_ms }],
        },
    }
}

fn starved(stage: &Stage, class: &ClassName, record: &ClassRecord) -> Option<Harm> {
    let starved = record.starved?;
    let lasts = starved.is_certain && stage.elapsed_ms.saturating_sub(starved.since_ms) >= STARVED_MS;
    lasts.then(|| Harm::Starved {
        class: class.clone(),
        longest_ms: starved.longest_ms,
        bound_ms: starved.bound_ms,
        stable_ms: starved.stable_ms,
    })
}

/// What every promotion needs.
fn unmet(plan: &Plan, stage: &Stage) -> Vec<Missing> {
    let [stable, canary] = stage.ended;
    let left_ms = plan.stage_ms_min.saturating_sub(stage.elapsed_ms);
    let time = (left_ms > 0).then_some(Missing::Time { left_ms });
    let tasks = (canary < plan.tasks_min).then_some(Missing::CanaryTasks {
        have: canary,
        need: plan.tasks_min,
    });
    let other = (stable == 0).then_some(Missing::StableTasks);
    let turns = stage.classes.iter().filter_map(|(class, record)| {
        let longest_ms = record.starved?.longest_ms;
        Some(Missing::Turn {
            class: class.clone(),
            longest_ms,
        })
    });
    time.into_iter().chain(tasks).chain(other).chain(turns).collect()
}

/// What looks worse. A difference that nothing proves counts only over all classes, and only where the canary would be
/// promoted by default.
fn doubts(plan: &Plan, stage: &Stage, findings: &[Finding]) -> impl Iterator<Item = Missing> {
    let has_aged = stage.elapsed_ms >= plan.stage_ms_max;
    let is_large = move |finding: &Finding| {
        let has_tasks = finding.class.is_none() && finding.canary_tasks >= DOUBT_TASKS;
        has_aged && has_tasks && finding.difference >= finding.margin
    };
    let looks_worse = move |finding: &&Finding| finding.may_be_worse() || is_large(finding);
    findings.iter().filter(looks_worse).cloned().map(Missing::Doubt)
}

/// What is not shown to be no worse. All of it must be shown, so that no correction is due (an intersection-union test;
/// Berger, Technometrics 24, 1982).
fn unproven(plan: &Plan, findings: &[Finding]) -> impl Iterator<Item = Missing> {
    let counts = |finding: &&Finding| finding.class.is_none() || finding.canary_tasks >= plan.class_tasks_min;
    findings
        .iter()
        .filter(counts)
        .filter(|finding| !finding.is_no_worse())
        .cloned()
        .map(Missing::Proof)
}
