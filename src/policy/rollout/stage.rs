//! What a stage has seen so far.

use std::collections::BTreeMap;

use super::evidence::{Evidence, Tally};
use super::plan::Plan;
use super::record::{ClassRecord, Record, Settled};
use super::ruling::Measure;
use super::share::Share;
use crate::task::ClassName;

/// One stage of a rollout: the canary has one share from its beginning to its end.
///
/// Every stage compares anew, as many tasks may meet harm that few do not. Whoever loses it begins it once more.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stage {
    index: usize,
    pub(super) elapsed_ms: u64,
    pub(super) classes: BTreeMap<ClassName, ClassRecord>,
    /// All classes together, by [`Measure`].
    pub(super) total: [Record; 3],
    /// Tasks that ended, of the stable and of the canary track.
    pub(super) ended: [u64; 2],
}

impl Stage {
    /// The stage with this place in [`Plan::shares`], which begins now.
    #[must_use]
    pub fn new(index: usize) -> Self {
        Self {
            index,
            ..Self::default()
        }
    }

    /// The stage after it, which begins now. It takes over how long tasks of the stable track have waited at most, so
    /// that a task which has waited since before is not compared with a few new ones.
    #[must_use]
    pub fn next(&self) -> Self {
        let classes = self
            .classes
            .iter()
            .map(|(class, record)| (class.clone(), record.next()));
        Self {
            classes: classes.collect(),
            ..Self::new(self.index + 1)
        }
    }

    /// Its place in [`Plan::shares`].
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The canary's share in it; all tasks where the plan has no such stage.
    #[must_use]
    pub fn share(&self, plan: &Plan) -> Share {
        plan.shares.get(self.index).copied().unwrap_or(Share::WHOLE)
    }

    /// The canary's share in the stage after it; none after the last.
    #[must_use]
    pub fn next_share(&self, plan: &Plan) -> Option<Share> {
        plan.shares.get(self.index + 1).copied()
    }

    /// Tasks that ended in it on the stable and on the canary track.
    #[must_use]
    pub const fn ended(&self) -> [u64; 2] {
        self.ended
    }

    /// Counts what was seen since the last look.
    pub(super) fn look(&mut self, plan: &Plan, stable: &Evidence, canary: &Evidence, elapsed_ms: u64) {
        self.elapsed_ms = elapsed_ms;
        let none = Tally::default();
        let mut settled: [Vec<Settled>; 3] = Default::default();
        let only_canary = canary
            .classes
            .keys()
            .filter(|class| !stable.classes.contains_key(*class));
        for class in stable.classes.keys().chain(only_canary) {
            let tallies = [stable, canary].map(|track| track.classes.get(class).unwrap_or(&none));
            for (track, tally) in tallies.iter().enumerate() {
                self.ended[track] = self.ended[track].saturating_add(tally.ended);
            }
            let record = self.classes.entry(class.clone()).or_default();
            let blocks = record.look(plan, plan.patience_ms(class), tallies, elapsed_ms);
            for (all, of_class) in settled.iter_mut().zip(blocks) {
                all.extend(of_class);
            }
        }
        for measure in Measure::ALL {
            self.total[measure.index()].settle(&settled[measure.index()]);
        }
    }
}
