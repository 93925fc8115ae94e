//! The policy that holds now, in one process.
//!
//! Readers take a snapshot without a lock and act on that to the end of what they do. Whoever follows the server offers
//! what it stores; a document that this process cannot act on is refused, and the last good one stays.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;

use super::{Faults, parse_policy};
use crate::clock;
use crate::policy::rollout::Share;
use crate::policy::{Edition, Policy, PolicyVersion, Trial};
use crate::task::{Moment, Shard, WorkerId};

/// Editions that are remembered. A task that began under an earlier one is judged under the one that holds.
const PAST_MAX: usize = 32;

/// The policy of one process: one writer, any number of readers.
#[derive(Debug)]
pub struct LivePolicy {
    now: ArcSwap<Edition>,
    /// What held before, the latest last: tasks may have begun under one of them.
    past: RwLock<VecDeque<Arc<Edition>>>,
    /// The one on trial.
    trial: ArcSwapOption<OnTrial>,
    /// One that is asked what it would do, and not obeyed.
    shadow: ArcSwapOption<Edition>,
    /// Since when.
    trial_since: RwLock<Moment>,
    /// The one on trial that this process cannot act on; 0 for none.
    sat_out: AtomicU64,
    /// When the present one came to hold here.
    since: RwLock<Moment>,
    changes: watch::Sender<PolicyVersion>,
    refused: RwLock<Option<Arc<Refused>>>,
}

/// A rollout under way, with the policy that is on trial.
#[derive(Debug, Clone)]
pub struct OnTrial {
    /// Which tasks and workers it has.
    pub trial: Trial,
    /// The candidate.
    pub edition: Arc<Edition>,
}

/// A stored policy that this process does not act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub version: PolicyVersion,
    /// Why: every fault with its place, or that it could not be read.
    pub why: String,
}

impl LivePolicy {
    /// Begins with what the process was started with.
    #[must_use]
    pub fn new(own: Edition) -> Arc<Self> {
        let changes = watch::Sender::new(own.version);
        Arc::new(Self {
            now: ArcSwap::from_pointee(own),
            past: RwLock::default(),
            trial: ArcSwapOption::empty(),
            shadow: ArcSwapOption::empty(),
            trial_since: RwLock::new(clock::monotonic()),
            sat_out: AtomicU64::new(0),
            since: RwLock::new(clock::monotonic()),
            changes,
            refused: RwLock::default(),
        })
    }

    /// One that nobody changes: what the process was started with.
    #[must_use]
    pub fn fixed(policy: Policy) -> Arc<Self> {
        Self::new(Edition::own(policy))
    }

    /// What holds now. Wait-free; hold on to it for as long as one decision takes.
    #[must_use]
    pub fn now(&self) -> Arc<Edition> {
        self.now.load_full()
    }

    /// The rollout under way.
    #[must_use]
    pub fn trial(&self) -> Option<Arc<OnTrial>> {
        self.trial.load_full()
    }

    /// The policy that is asked at every pick what it would do, and not obeyed.
    #[must_use]
    pub fn shadow(&self) -> Option<Arc<Edition>> {
        self.shadow.load_full()
    }

    /// What a worker chooses by: the candidate where it serves the canary track.
    #[must_use]
    pub fn of_worker(&self, id: &WorkerId) -> Arc<Edition> {
        let on_trial = self.trial.load();
        match on_trial.as_ref().filter(|on| on.trial.has_worker(id)) {
            Some(on) => on.edition.clone(),
            None => self.now(),
        }
    }

    /// What a task of that shard runs under, whoever runs it.
    #[must_use]
    pub fn of_shard(&self, shard: Shard) -> Arc<Edition> {
        let on_trial = self.trial.load();
        match (on_trial.as_ref(), shard) {
            (Some(on), Shard::Canary(_)) => on.edition.clone(),
            _ => self.now(),
        }
    }

    /// Whether a worker serves a shard. While there is a rollout each serves the one track, but for its ends: while the
    /// canary has no workers, and once it has all tasks, everybody serves what there is of both. Without a rollout so does
    /// everybody, unless there is one whose candidate this process cannot act on.
    #[must_use]
    pub fn serves(&self, id: &WorkerId, shard: Shard) -> bool {
        let on_trial = self.trial.load();
        let is_canary = matches!(shard, Shard::Canary(_));
        match on_trial.as_ref() {
            None => !is_canary || self.sat_out.load(Ordering::Relaxed) == 0,
            Some(on) if on.trial.workers.is_empty() || on.trial.share() == Share::WHOLE => true,
            Some(on) => on.trial.has_worker(id) == is_canary,
        }
    }

    /// For how long the rollout under way, or the last one's end, has been known here.
    #[must_use]
    pub fn trial_age(&self) -> Duration {
        let since = self.trial_since.read().unwrap_or_else(PoisonError::into_inner);
        clock::monotonic().since(*since)
    }

    /// The one of that number, if it holds, is on trial or did so lately; else the one that holds.
    #[must_use]
    pub fn at(&self, version: PolicyVersion) -> Arc<Edition> {
        let now = self.now();
        if now.version == version {
            return now;
        }
        if let Some(on) = self.trial().filter(|on| on.edition.version == version) {
            return on.edition.clone();
        }
        let past = self.past.read().unwrap_or_else(PoisonError::into_inner);
        let found = past.iter().rev().find(|edition| edition.version == version);
        found.cloned().unwrap_or(now)
    }

    /// For how long it has held here.
    #[must_use]
    pub fn age(&self) -> Duration {
        let since = self.since.read().unwrap_or_else(PoisonError::into_inner);
        clock::monotonic().since(*since)
    }

    /// Whether it was so of any that held here lately.
    #[must_use]
    pub fn was(&self, so: impl Fn(&Policy) -> bool) -> bool {
        let past = self.past.read().unwrap_or_else(PoisonError::into_inner);
        past.iter().any(|edition| so(edition))
    }

    /// Hears that another holds. Whoever is told late hears of the last one only.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<PolicyVersion> {
        self.changes.subscribe()
    }

    /// The stored one that is not acted on, if the last one offered is such.
    #[must_use]
    pub fn refused(&self) -> Option<Arc<Refused>> {
        let refused = self.refused.read().unwrap_or_else(PoisonError::into_inner);
        refused.clone()
    }

    /// Acts on a stored document from now on. Whoever is faulty changes nothing but what is said of it.
    ///
    /// # Errors
    /// [`Faults`], each with its place in the document.
    pub fn offer(&self, version: PolicyVersion, document: &str) -> Result<(), Faults> {
        match parse_policy(&format!("policy {version}"), document) {
            Ok(policy) => {
                self.act_on(Edition::new(version, policy));
                Ok(())
            }
            Err(faults) => {
                self.refuse(version, faults.to_string());
                Err(faults)
            }
        }
    }

    /// Acts on `edition` from now on.
    pub fn act_on(&self, edition: Edition) {
        let version = edition.version;
        let before = self.now.swap(Arc::new(edition));
        self.remember(before);
        *self.since.write().unwrap_or_else(PoisonError::into_inner) = clock::monotonic();
        self.note(None);
        self.changes.send_replace(version);
    }

    /// Goes by a rollout from now on, or by none.
    pub fn try_out(&self, trial: Option<(Trial, Arc<Edition>)>) {
        let next = trial.map(|(trial, edition)| Arc::new(OnTrial { trial, edition }));
        let candidate = next.as_ref().map(|on| on.edition.version);
        let before = self.trial.swap(next);
        self.sat_out.store(0, Ordering::Relaxed);
        if before.as_ref().map(|on| on.edition.version) != candidate {
            *self.trial_since.write().unwrap_or_else(PoisonError::into_inner) = clock::monotonic();
        }
        if let Some(before) = before.filter(|before| Some(before.edition.version) != candidate) {
            self.remember(before.edition.clone());
        }
        self.changes.send_modify(|_| ());
    }

    /// Asks this policy from now on what it would do, or none.
    pub fn ask(&self, shadow: Option<Arc<Edition>>) {
        let version = |of: &Option<Arc<Edition>>| of.as_ref().map(|edition| edition.version);
        let asked = version(&shadow);
        if version(&self.shadow.swap(shadow)) != asked {
            self.changes.send_modify(|_| ());
        }
    }

    /// What was said of a candidate that could not be acted on is forgotten, once another one is on trial or none.
    pub fn forgive(&self, candidate: Option<PolicyVersion>) {
        let sat_out = PolicyVersion(self.sat_out.load(Ordering::Relaxed));
        let is_of_it = |refused: Arc<Refused>| refused.version == sat_out && candidate != Some(sat_out);
        if self.refused().is_some_and(is_of_it) {
            self.note(None);
        }
    }

    /// A policy is on trial that this process cannot act on: it has none of its tasks.
    pub fn sit_out(&self, candidate: PolicyVersion, why: String) {
        self.try_out(None);
        self.sat_out.store(candidate.0, Ordering::Relaxed);
        self.refuse(candidate, why);
        self.changes.send_modify(|_| ());
    }

    fn remember(&self, edition: Arc<Edition>) {
        let mut past = self.past.write().unwrap_or_else(PoisonError::into_inner);
        if past.len() == PAST_MAX {
            past.pop_front();
        }
        past.push_back(edition);
    }

    /// Notes that a stored policy is not acted on.
    pub fn refuse(&self, version: PolicyVersion, why: String) {
        self.note(Some(Arc::new(Refused { version, why })));
    }

    fn note(&self, refused: Option<Arc<Refused>>) {
        *self.refused.write().unwrap_or_else(PoisonError::into_inner) = refused;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DEFAULT_POLICY_YAML, default_policy};

    #[test]
    fn a_good_document_holds_at_once_and_a_faulty_one_leaves_the_last_good_one() {
        let live = LivePolicy::fixed(default_policy());
        let mut changes = live.changes();
        let before = live.now();
        live.offer(
            PolicyVersion(3),
            &DEFAULT_POLICY_YAML.replace("share: 40", "share: 41"),
        )
        .unwrap();
        assert_eq!(live.now().version, PolicyVersion(3));
        assert_eq!(live.now().classes[0].share, 41);
        assert_eq!(before.classes[0].share, 40, "who holds one acts on it to the end");
        assert_eq!(live.at(PolicyVersion::OWN).classes[0].share, 40);
        assert_eq!(
            live.at(PolicyVersion(9)).version,
            PolicyVersion(3),
            "nobody knows 9"
        );
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();

        let faults = live.offer(PolicyVersion(4), "version: 2").unwrap_err();
        assert!(faults.to_string().contains("policy 4:1:"), "{faults}");
        assert_eq!(live.now().version, PolicyVersion(3));
        assert_eq!(live.refused().unwrap().version, PolicyVersion(4));
        assert!(!changes.has_changed().unwrap());

        live.forgive(None);
        live.try_out(None);
        assert!(
            live.refused().is_some(),
            "it holds elsewhere, and was not on trial"
        );
        live.offer(PolicyVersion(5), DEFAULT_POLICY_YAML).unwrap();
        assert_eq!(live.refused(), None);

        let (worker, canary) = (WorkerId::new("w").unwrap(), Shard::Canary(0));
        live.sit_out(PolicyVersion(6), "it is of a later version".to_owned());
        live.forgive(Some(PolicyVersion(6)));
        assert_eq!(live.refused().unwrap().version, PolicyVersion(6));
        assert!(!live.serves(&worker, canary) && live.serves(&worker, Shard::Stable(0)));
        live.forgive(None);
        live.try_out(None);
        assert_eq!(live.refused(), None, "the rollout has ended");
        assert!(live.serves(&worker, canary), "what is left of it");
    }
}
