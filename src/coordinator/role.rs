//! Starting a coordinator.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};

use crate::broker::feed::Feed;
use crate::broker::{Broker, RequestError};
use crate::config::{LivePolicy, OnTrial};
use crate::lifecycle::Lifecycle;
use crate::metrics::CoordinatorMetrics;
use crate::policy::{Edition, Policy, PolicyVersion};
use crate::task::Lane;

use super::budget::Budgets;
use super::callbacks::Poster;
use super::leader::Leader;
use super::{
    CallbackOptions, audit, blocked, consumers, crew, feeds, leader, overload, rates, recall, retire,
    rollout, views, waits, wakes,
};

/// Twice the time after which a report comes back whose coordinator died, so that whoever can do what is left to be
/// done has done it.
const AUDIT_GRACE_MS: u64 = 60_000;

/// The window in which lanes drop what comes twice, as their streams are made.
const REPEAT_WINDOW: Duration = Duration::from_secs(120);

/// A coordinator that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum CoordinatorError {
    /// The streams are not there or not usable.
    #[error("{0}; does `fairlane streams plan` show that they exist? `fairlane streams apply` makes them")]
    Streams(#[from] RequestError),
    /// No client for callbacks can be made.
    #[error("cannot make an HTTP client for callbacks: {0}")]
    Client(#[from] reqwest::Error),
}

/// How a coordinator works, beside its policy.
#[derive(Debug, Clone)]
pub struct CoordinatorOptions {
    /// How it delivers results.
    pub callbacks: CallbackOptions,
    /// How long the audit leaves something alone that somebody may still put in order, in ms.
    pub audit_grace_ms: u64,
    /// How long a gateway may repeat a submission under the policy it was made under: a consumer that the policy does
    /// not ask for any more is kept for as long.
    pub repeat_window: Duration,
    /// How short and how long a stage of a rollout may be, in ms; none for the usual bounds.
    pub stage_ms: Option<(u64, u64)>,
}

impl From<CallbackOptions> for CoordinatorOptions {
    fn from(callbacks: CallbackOptions) -> Self {
        Self {
            callbacks,
            audit_grace_ms: AUDIT_GRACE_MS,
            repeat_window: REPEAT_WINDOW,
            stage_ms: None,
        }
    }
}

/// A running coordinator; it stops with its lifecycle.
pub struct Coordinator {
    pub(super) broker: Broker,
    policy: Arc<LivePolicy>,
    pub(super) metrics: Arc<CoordinatorMetrics>,
    pub(super) lifecycle: Lifecycle,
    pub(super) poster: Poster,
    pub(super) budgets: Budgets,
    pub(super) leader: Leader,
    pub(super) audit_grace_ms: u64,
    pub(super) repeat_window: Duration,
    pub(super) stage_ms: Option<(u64, u64)>,
    /// How many workers were heard of late; none before it was listened for long enough to tell.
    pub(super) workers: watch::Sender<Option<usize>>,
    /// Held by whoever changes limits.
    pub(super) settling: Mutex<()>,
}

impl Coordinator {
    /// Makes the consumers of lanes that have none, then starts to read reports, due retries and lanes. What a lane
    /// lacks that has some is made by the one that leads, as places become free.
    ///
    /// # Errors
    /// [`CoordinatorError`] when the streams are missing or the server does not answer.
    pub async fn start(
        broker: Broker,
        policy: Arc<LivePolicy>,
        metrics: Arc<CoordinatorMetrics>,
        options: CoordinatorOptions,
        lifecycle: &Lifecycle,
    ) -> Result<Arc<Self>, CoordinatorError> {
        broker.crash_with(lifecycle);
        let poster = Poster::new(options.callbacks)?;
        let budgets = Budgets::default();
        let coordinator = Arc::new(Self {
            broker,
            policy,
            metrics,
            lifecycle: lifecycle.clone(),
            poster,
            budgets,
            leader: Leader::new(),
            audit_grace_ms: options.audit_grace_ms,
            repeat_window: options.repeat_window,
            stage_ms: options.stage_ms,
            workers: watch::Sender::new(None),
            settling: Mutex::new(()),
        });
        for lane in Lane::ALL {
            consumers::ensure(&coordinator, lane).await?;
        }
        for feed in [Feed::Reports, Feed::Due, Feed::Ticks, Feed::Callbacks] {
            let opened = coordinator.broker.feed(feed).await?;
            lifecycle.spawn(feeds::run(coordinator.clone(), feed, opened));
        }
        lifecycle.spawn(leader::run(coordinator.clone()));
        lifecycle.spawn(audit::run(coordinator.clone()));
        lifecycle.spawn(waits::run(coordinator.clone()));
        lifecycle.spawn(recall::run(coordinator.clone()));
        lifecycle.spawn(retire::run(coordinator.clone()));
        lifecycle.spawn(rollout::run(coordinator.clone()));
        lifecycle.spawn(overload::run(coordinator.clone()));
        lifecycle.spawn(wakes::run(coordinator.clone()));
        lifecycle.spawn(views::run(coordinator.clone()));
        let beats = coordinator.broker.beats().await?;
        lifecycle.spawn(crew::run(coordinator.clone(), beats));
        let pleas = coordinator.broker.pleas().await?;
        lifecycle.spawn(rates::run(coordinator.clone(), pleas));
        lifecycle.spawn(blocked::run(coordinator.clone()));
        Ok(coordinator)
    }

    /// What holds now. One decision is taken under one policy: ask once for it.
    pub(super) fn policy(&self) -> Arc<Edition> {
        self.policy.now()
    }

    /// The rollout under way.
    pub(super) fn trial(&self) -> Option<Arc<OnTrial>> {
        self.policy.trial()
    }

    /// Whether it is so of one that is acted on or asked.
    pub(super) fn is_any_policy(&self, is: impl Fn(&Policy) -> bool) -> bool {
        let (trial, shadow) = (self.policy.trial(), self.policy.shadow());
        let on_trial = trial.as_ref().map(|on| &*on.edition);
        let others = [on_trial, shadow.as_deref()];
        is(&self.policy.now()) || others.into_iter().flatten().any(|edition| is(edition))
    }

    /// For how long the rollout under way, or the end of the last one, has been known here.
    pub(super) fn trial_age(&self) -> Duration {
        self.policy.trial_age()
    }

    /// What held when something began, as it says itself; what holds now where it does not, or nobody knows any more.
    pub(super) fn policy_of(&self, version: Option<u64>) -> Arc<Edition> {
        match version {
            Some(version) => self.policy.at(PolicyVersion(version)),
            None => self.policy.now(),
        }
    }

    /// Whether it was so of any policy that held here lately.
    pub(super) fn policy_was(&self, so: impl Fn(&Policy) -> bool) -> bool {
        self.policy.was(so)
    }

    /// For how long the policy has held here.
    pub(super) fn policy_age(&self) -> Duration {
        self.policy.age()
    }

    /// The stored policy that this coordinator cannot act on.
    pub(super) fn policy_refused(&self) -> Option<PolicyVersion> {
        self.policy.refused().map(|refused| refused.version)
    }

    /// Hears that another policy holds.
    pub(super) fn policy_changes(&self) -> watch::Receiver<PolicyVersion> {
        self.policy.changes()
    }
}
