//! What a worker counts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Counter, counter, gauge};

use super::ClassMetrics;
use super::catalogue::{
    BLIND_PICKS, HAND_BACKS, LEASE_EXTENSIONS, PULLS, SHADOW_OTHERWISE, SHADOW_PICKS, SHARE_RATIO,
    TENANT_JAIN, VIEWS,
};
use super::label::{HandBackReason, Label, PullKind, PullOutcome};
use super::tally::Tally;
use crate::task::{ClassName, Lane};

/// The handles of one worker. Two workers of a process count into the same metrics.
#[derive(Debug)]
pub struct WorkerMetrics {
    asks: Tally<PullOutcome>,
    waits: Tally<PullOutcome>,
    hand_backs: Tally<HandBackReason>,
    lease_extensions: Counter,
    views: Counter,
    blind_picks: Counter,
    classes: Mutex<HashMap<(Lane, ClassName), Arc<ClassMetrics>>>,
}

impl WorkerMetrics {
    /// Makes the handles at the recorder that is installed now; without one they count nothing.
    #[must_use]
    pub fn new() -> Self {
        let pulls = |kind: PullKind| Tally::new(PULLS, "outcome", &[("kind", kind.text().into())]);
        Self {
            asks: pulls(PullKind::Ask),
            waits: pulls(PullKind::Wait),
            hand_backs: Tally::new(HAND_BACKS, "reason", &[]),
            lease_extensions: counter!(LEASE_EXTENSIONS),
            views: counter!(VIEWS),
            blind_picks: counter!(BLIND_PICKS),
            classes: Mutex::default(),
        }
    }

    /// The handles of a class on a lane. Keep them with its consumer: this takes a lock.
    #[must_use]
    pub fn class(&self, lane: Lane, class: &ClassName) -> Arc<ClassMetrics> {
        let mut classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        let handles = classes
            .entry((lane, class.clone()))
            .or_insert_with(|| Arc::new(ClassMetrics::new(lane, class)));
        Arc::clone(handles)
    }

    /// A pull came out.
    pub fn pull(&self, kind: PullKind, outcome: PullOutcome) {
        match kind {
            PullKind::Ask => self.asks.count(outcome),
            PullKind::Wait => self.waits.count(outcome),
        }
    }

    /// A task was given back without being run.
    pub fn hand_back(&self, reason: HandBackReason) {
        self.hand_backs.count(reason);
    }

    /// How a class fared among those that were served of late. Not for every task: it looks its handles up.
    pub fn fairness(&self, class: &ClassName, share_ratio: f64, jain: f64) {
        let class = class.as_str().to_owned();
        gauge!(SHARE_RATIO, "class" => class.clone()).set(share_ratio);
        gauge!(TENANT_JAIN, "class" => class).set(jain);
    }

    /// So many more slots were given to `class`, and would have been by a policy that is asked. Not for every pick: it looks
    /// its handles up.
    pub fn shadowed(&self, class: &ClassName, [holds, asked]: [u64; 2]) {
        for (by, picks) in [("holds", holds), ("asked", asked)] {
            counter!(SHADOW_PICKS, "class" => class.as_str().to_owned(), "by" => by).increment(picks);
        }
    }

    /// So many more slots were given to `class` where a policy that is asked would have given them to `instead`. Not for
    /// every pick: it looks its handle up.
    pub fn shadowed_otherwise(&self, class: &ClassName, instead: &ClassName, picks: u64) {
        let (class, instead) = (class.as_str().to_owned(), instead.as_str().to_owned());
        counter!(SHADOW_OTHERWISE, "class" => class, "instead" => instead).increment(picks);
    }

    /// The leases of so many running tasks were extended.
    pub fn lease_extensions(&self, tasks: u64) {
        self.lease_extensions.increment(tasks);
    }

    /// It was told what waits on a lane.
    pub fn view(&self) {
        self.views.increment(1);
    }

    /// So many slots were given out by shares because it had not been told for too long.
    pub fn blind_picks(&self, picks: u64) {
        self.blind_picks.increment(picks);
    }
}

impl Default for WorkerMetrics {
    fn default() -> Self {
        Self::new()
    }
}
