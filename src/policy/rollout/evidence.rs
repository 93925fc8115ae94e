//! What became of the tasks of one track.

use std::collections::BTreeMap;

use super::waits::Waits;
use crate::task::ClassName;

/// Tasks of one class on one track, from one look to the next. Plain counts, so that those of several coordinators or
/// seconds add up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Executions that ended, without cancelled ones.
    pub ended: u64,
    /// Those of them that failed, or ended dead.
    pub failed: u64,
    /// Tasks with an SLO that ended, and those that were given up as they could not meet their deadline.
    pub with_slo: u64,
    /// Those of them that kept it.
    pub kept_slo: u64,
    /// For how long those that started had waited.
    pub waits: Waits,
    /// For how long the oldest task that has not started has waited, in ms.
    pub longest_ms: u64,
    /// Tasks that have not started.
    pub waiting: u64,
}

/// What became of the tasks of one track, by class.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    /// By class.
    pub classes: BTreeMap<ClassName, Tally>,
}

impl Tally {
    /// Adds what another one counted. What is no count, `waiting` and `longest_ms`, is a state that each of them saw:
    /// the larger one stays.
    pub fn merge(&mut self, other: &Self) {
        self.ended = self.ended.saturating_add(other.ended);
        self.failed = self.failed.saturating_add(other.failed);
        self.with_slo = self.with_slo.saturating_add(other.with_slo);
        self.kept_slo = self.kept_slo.saturating_add(other.kept_slo);
        self.waits.merge(&other.waits);
        self.longest_ms = self.longest_ms.max(other.longest_ms);
        self.waiting = self.waiting.max(other.waiting);
    }
}

impl Evidence {
    /// Adds what another one counted, class by class.
    pub fn merge(&mut self, other: &Self) {
        for (class, tally) in &other.classes {
            self.of(class).merge(tally);
        }
    }

    /// What there is of one class, to count in.
    pub fn of(&mut self, class: &ClassName) -> &mut Tally {
        self.classes.entry(class.clone()).or_default()
    }

    /// All classes together; `waiting` is their sum here.
    #[must_use]
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        for tally in self.classes.values() {
            total.merge(tally);
        }
        total.waiting = self
            .classes
            .values()
            .fold(0, |sum, tally| sum.saturating_add(tally.waiting));
        total
    }
}
