//! Asking another policy at every pick what it would do, and telling what it said.

use super::queues::Classes;
use crate::config::LivePolicy;
use crate::metrics::WorkerMetrics;
use crate::policy::PolicyVersion;
use crate::scheduler::intake::Intake;
use crate::scheduler::shadow::Picks;
use crate::task::WorkerId;
use crate::wire::{Shadowed, ShadowedPair};

/// What was told of the policy that is asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    of: Option<Of>,
    /// What the metrics have.
    counted: Picks,
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
        let terms = classes.terms_under(&candidate, intake);
        intake.watch(Some((candidate.scheduler, terms)));
        self.of = Some(Of {
            candidate: candidate.version,
            beside: live.of_worker(id).version,
        });
    }

    /// What it said so far; counts what is new of it.
    pub(super) fn told(
        &mut self,
        classes: &Classes,
        intake: &Intake,
        metrics: &WorkerMetrics,
    ) -> Option<Shadowed> {
        let (of, picks) = (self.of?, intake.shadowed()?);
        let mut pairs = Vec::with_capacity(picks.len());
        for (&(class, instead), &count) in picks {
            let (Some(class), Some(instead)) = (classes.name(class), classes.name(instead)) else {
                continue;
            };
            pairs.push(ShadowedPair {
                class: class.clone(),
                instead: instead.clone(),
                picks: count,
            });
        }
        for (pair, count) in picks {
            let before = self.counted.get(pair).copied().unwrap_or(0);
            // Counted anew: what was counted before is of another comparison.
            let new = count.checked_sub(before).unwrap_or(*count);
            if let (Some(class), Some(instead), 1..) = (classes.name(pair.0), classes.name(pair.1), new) {
                metrics.shadowed(class, instead, new);
            }
        }
        self.counted.clone_from(picks);
        Some(Shadowed {
            policy: of.candidate,
            beside: of.beside,
            pairs,
        })
    }
}
