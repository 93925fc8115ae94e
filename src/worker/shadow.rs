//! Asking another policy at every pick what it would do, and telling what it said.

use super::queues::Classes;
use crate::config::LivePolicy;
use crate::metrics::WorkerMetrics;
use crate::policy::PolicyVersion;
use crate::scheduler::facts::ClassId;
use crate::scheduler::intake::Intake;
use crate::scheduler::shadow::{Candidate, Picks};
use crate::task::WorkerId;
use crate::wire::{Shadowed, ShadowedPair};

/// Pairs of classes in a heartbeat.
const PAIRS_TOLD: usize = 32;

/// What was told of the policy that is asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    of: Option<Of>,
    /// What the metrics have, and of whom.
    counted: Picks,
    counted_of: Option<Of>,
}

/// Which policy is asked, and beside which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Of {
    candidate: PolicyVersion,
    beside: PolicyVersion,
}

impl Asked {
    /// Asks whom it is to ask now, under the terms that it has for the classes that are known by now.
    pub(super) fn ask(&mut self, live: &LivePolicy, id: &WorkerId, classes: &Classes, intake: &mut Intake) {
        let Some(candidate) = live.shadow() else {
            self.of = None;
            return intake.watch(None);
        };
        let of = Of {
            candidate: candidate.version,
            beside: live.of_worker(id).version,
        };
        intake.watch(Some(Candidate {
            mark: [of.candidate.0, of.beside.0],
            rules: candidate.scheduler,
            terms: classes.terms_under(&candidate, intake),
        }));
        self.of = Some(of);
    }

    /// What it said so far; counts what is new of it.
    pub(super) fn told(
        &mut self,
        classes: &Classes,
        intake: &Intake,
        metrics: &WorkerMetrics,
    ) -> Option<Shadowed> {
        let (of, picks) = (self.of?, intake.shadowed()?);
        let total = |picks: &Picks| picks.classes.values().map(|[has, _]| has).sum::<u64>();
        if total(picks) < total(&self.counted) || self.counted_of != Some(of) {
            // Counted anew: what was counted before is of another comparison.
            self.counted = Picks::default();
        }
        self.counted_of = Some(of);
        let named = |id: &ClassId| classes.name(*id).cloned();
        for (class, now) in &picks.classes {
            let before = self.counted.classes.get(class).copied().unwrap_or_default();
            if let Some(class) = classes.name(*class) {
                metrics.shadowed(class, [now[0] - before[0], now[1] - before[1]]);
            }
        }
        for (pair, count) in &picks.pairs {
            let new = count - self.counted.pairs.get(pair).copied().unwrap_or_default();
            if let (Some(class), Some(instead), 1..) = (classes.name(pair.0), classes.name(pair.1), new) {
                metrics.shadowed_otherwise(class, instead, new);
            }
        }
        self.counted.clone_from(picks);
        let mut pairs: Vec<ShadowedPair> = picks
            .pairs
            .iter()
            .filter_map(|((class, instead), picks)| {
                Some(ShadowedPair {
                    class: named(class)?,
                    instead: named(instead)?,
                    picks: *picks,
                })
            })
            .collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.picks));
        pairs.truncate(PAIRS_TOLD);
        let told = picks.classes.iter();
        Some(Shadowed {
            policy: of.candidate,
            beside: of.beside,
            classes: told
                .filter_map(|(class, both)| Some((named(class)?, *both)))
                .collect(),
            otherwise: picks.otherwise,
            pairs,
        })
    }
}
