//! Comparing two policies instead of putting one in the place of the other.

use serde_json::{Value, json};

use crate::policy::compare::{ALPHA, Comparison, Contrast, summary};
use crate::policy::rollout::{Harm, Judgement, Measure, Ruling};
use crate::policy::{Outcome, Trial, TrialEnd};
use crate::task::EpochMs;

/// How a comparison ends now, if it does. One that makes tasks wait otherwise is what was asked for; one that makes them fail
/// or starve is not.
pub(super) fn ending(trial: &Trial, judgement: &Judgement, of: &Comparison, now: EpochMs) -> Option<Outcome> {
    let outcome = |ending, why| {
        Some(Outcome {
            candidate: trial.candidate,
            ending,
            why,
            at: now,
        })
    };
    // The ruling has the first harm alone, which may be a wait.
    let starved = match &judgement.ruling {
        Ruling::RollBack(harm @ Harm::Starved { .. }) => Some(harm.clone()),
        _ => None,
    };
    let mut findings = judgement.findings.iter();
    let failing = findings.find(|finding| finding.measure == Measure::Failures && finding.is_worse());
    if let Some(harm) = starved.or_else(|| failing.cloned().map(Harm::Worse)) {
        return outcome(TrialEnd::RolledBack, harm.to_string());
    }
    let until = trial.compare.and_then(|compare| compare.until);
    match until.is_some_and(|until| until <= now) {
        true => outcome(TrialEnd::Compared, summary(of.contrasts())),
        false => None,
    }
}

/// What is told of it.
pub(super) fn told(of: &Comparison) -> Value {
    let contrasts = of.contrasts();
    json!({
        "words": summary(contrasts),
        "looks": of.looks(),
        "confidence": 1.0 - ALPHA,
        "contrasts": contrasts.iter().map(contrast).collect::<Vec<_>>(),
    })
}

fn contrast(of: &Contrast) -> Value {
    json!({
        "figure": of.figure.as_str(),
        "class": of.class.as_ref().map(ToString::to_string),
        "stable": of.values[0],
        "canary": of.values[1],
        "stable_tasks": of.tasks[0],
        "canary_tasks": of.tasks[1],
        "difference": of.difference,
        "low": of.bounds.map(|bounds| bounds[0]),
        "high": of.bounds.map(|bounds| bounds[1]),
        "finding": of.finding().as_str(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rollout::{Finding as Found, Share};
    use crate::policy::{Compare, LotBy, PolicyVersion};
    use crate::task::ClassName;

    fn trial(until: Option<i64>) -> Trial {
        Trial {
            candidate: PolicyVersion(2),
            shares: vec![Share::new(5_000).unwrap()],
            stage: 0,
            by: LotBy::Task,
            label: None,
            workers: Vec::new(),
            is_paused: false,
            started_at: EpochMs(0),
            since: EpochMs(0),
            passed: Vec::new(),
            compare: Some(Compare {
                until: until.map(EpochMs),
            }),
        }
    }

    fn worse(measure: Measure, class: Option<&str>) -> Found {
        Found {
            measure,
            class: class.map(|class| ClassName::new(class).unwrap()),
            stable: 0.0,
            canary: 1.0,
            stable_tasks: 9,
            canary_tasks: 9,
            difference: 1.0,
            error: 0.1,
            least: 0.0,
            upper: 1.0,
            margin: 0.0,
            p_value: 0.0,
            level: 0.1,
            is_measured: true,
            limit_ms: None,
        }
    }

    fn judged(findings: Vec<Found>) -> Judgement {
        let ruling = match findings.first() {
            None => Ruling::Hold { missing: Vec::new() },
            Some(first) => Ruling::RollBack(Harm::Worse(first.clone())),
        };
        Judgement { ruling, findings }
    }

    #[test]
    fn it_ends_at_its_time_or_where_tasks_fail_and_not_because_they_wait() {
        let nothing = Comparison::new(Default::default());
        let ends = |until, findings| {
            let ended = ending(&trial(until), &judged(findings), &nothing, EpochMs(1_000));
            ended.map(|outcome| outcome.ending)
        };
        let over_all = |measure| vec![worse(measure, None)];
        assert_eq!(ends(None, Vec::new()), None);
        assert_eq!(ends(Some(1_001), Vec::new()), None);
        assert_eq!(ends(Some(1_000), Vec::new()), Some(TrialEnd::Compared));
        assert_eq!(ends(Some(1_001), over_all(Measure::Waits)), None);
        assert_eq!(ends(Some(1_001), over_all(Measure::Slo)), None);
        let rolled_back = Some(TrialEnd::RolledBack);
        assert_eq!(ends(None, over_all(Measure::Failures)), rolled_back);
        let hidden = vec![worse(Measure::Waits, None), worse(Measure::Failures, Some("b"))];
        assert_eq!(
            ends(None, hidden),
            rolled_back,
            "failures are seen behind longer waits"
        );
    }

    #[test]
    fn one_that_does_not_get_its_turn_ends_it() {
        let nothing = Comparison::new(Default::default());
        let starved = Judgement {
            ruling: Ruling::RollBack(Harm::Starved {
                class: ClassName::new("b").unwrap(),
                longest_ms: 99_000,
                bound_ms: 1_000.0,
                stable_ms: 10.0,
            }),
            findings: Vec::new(),
        };
        let ended = ending(&trial(None), &starved, &nothing, EpochMs(1_000)).unwrap();
        assert_eq!(ended.ending, TrialEnd::RolledBack);
        assert!(ended.why.contains("a task of b has waited"), "{}", ended.why);
    }
}
