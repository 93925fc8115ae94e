//! What a rollout goes by.

use std::collections::BTreeMap;

use super::ruling::Measure;
use super::share::Share;
use crate::policy::Class;
use crate::task::ClassName;

/// The stages of a rollout, the margins, and how sure a verdict must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The canary's share in each stage, ascending. A last stage of all tasks has nothing to compare with.
    pub shares: Vec<Share>,
    /// Probability, at most, that a canary which is no worse is rolled back, over all stages; 0 to 1, both left out.
    pub alpha: f64,
    /// Probability, at most, that a stage shows a canary to be no worse which is worse by a margin; 0 to 1, both left
    /// out.
    pub promote_alpha: f64,
    /// What counts as worse.
    pub margins: Margins,
    /// Canary tasks that a stage needs for a promotion.
    pub tasks_min: u64,
    /// Canary tasks from which on a class must be shown to be no worse by itself.
    pub class_tasks_min: u64,
    /// No stage is shorter, in ms.
    pub stage_ms_min: u64,
    /// A stage of this age, in ms, needs no proof any more where nothing speaks against the canary.
    pub stage_ms_max: u64,
    /// Waits and SLOs are compared over blocks of this length, in ms: longer than bursts of one track last.
    pub block_ms: u64,
    /// How long a task of a class without a time of its own may wait before that can be starvation, in ms.
    pub patience_ms: u64,
    /// The classes of the policy, and the same of each that has one. Their number bounds that of the comparisons.
    pub classes: BTreeMap<ClassName, Option<u64>>,
}

/// Differences up to which a canary is no worse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margins {
    /// Failed executions over all that ended, canary less stable; 0.01 is one percentage point.
    pub failed: f64,
    /// Missed SLOs over tasks that have one, canary less stable.
    pub slo_missed: f64,
    /// The 99th percentile of queue wait, canary over stable; at least 1. It is rounded up to a bucket.
    pub wait_factor: f64,
    /// For a promotion: tasks that waited too long over all, canary less stable.
    pub waited: f64,
    /// A 99th percentile of queue wait below this, in ms, counts as this.
    pub wait_ms: u64,
    /// The longest wait of a task that has not started, canary over stable; at least 1.
    pub starved_factor: f64,
}

impl Default for Margins {
    fn default() -> Self {
        Self {
            failed: 0.01,
            slo_missed: 0.02,
            wait_factor: 1.25,
            waited: 0.005,
            wait_ms: 50,
            starved_factor: 3.0,
        }
    }
}

impl Margins {
    /// The difference of rates below which the canary must be shown to be, for a promotion.
    #[must_use]
    pub const fn promotion(&self, measure: Measure) -> f64 {
        match measure {
            Measure::Failures => self.failed,
            Measure::Slo => self.slo_missed,
            Measure::Waits => self.waited,
        }
    }

    /// The difference of rates from which on one that is certain matters. That of waits lies in the limits that
    /// they are counted by.
    pub(super) const fn harm(&self, measure: Measure) -> f64 {
        match measure {
            Measure::Failures => self.failed,
            Measure::Slo => self.slo_missed,
            Measure::Waits => 0.0,
        }
    }
}

impl Plan {
    /// 10, 25, 50 and 100 %, 5 % false rollbacks at most and the default margins, for the classes of a policy.
    ///
    /// A class is patient for its SLO or half its longest wait, whichever is shorter.
    #[must_use]
    pub fn new(classes: &[Class]) -> Self {
        let patience = |class: &Class| {
            let halved = class.max_wait.map(|max_wait| max_wait.ms / 2);
            class.slo_ms.into_iter().chain(halved).min()
        };
        Self {
            shares: [1_000, 2_500, 5_000, 10_000]
                .into_iter()
                .filter_map(Share::new)
                .collect(),
            alpha: 0.05,
            promote_alpha: 0.05,
            margins: Margins::default(),
            tasks_min: 500,
            class_tasks_min: 1_000,
            stage_ms_min: 60_000,
            stage_ms_max: 600_000,
            block_ms: 5_000,
            patience_ms: 60_000,
            classes: classes
                .iter()
                .map(|class| (class.name.clone(), patience(class)))
                .collect(),
        }
    }

    /// How long a task of `class` may wait before that can be starvation, in ms.
    pub(super) fn patience_ms(&self, class: &ClassName) -> u64 {
        let own = self.classes.get(class).copied().flatten();
        own.unwrap_or(self.patience_ms)
    }

    /// The part of `alpha` that one comparison has.
    ///
    /// Bonferroni: equal parts for the stages that compare, half of each for all classes together and half for the
    /// `classes` one by one, and of that a third for each measure. Holm would give the same, because the first finding
    /// ends the rollout, and for the first Holm's bound is Bonferroni's.
    pub(super) fn level(&self, scope: Scope, classes: usize) -> f64 {
        let stages = self
            .shares
            .iter()
            .filter(|share| **share < Share::WHOLE)
            .count()
            .max(1);
        let each = self.alpha / (2 * stages * Measure::ALL.len()) as f64;
        match scope {
            Scope::All => each,
            Scope::Class => each / classes.max(self.classes.len()).max(1) as f64,
        }
    }
}

/// What a comparison is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All classes together.
    All,
    /// One of them.
    Class,
}
