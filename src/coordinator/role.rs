//! Starting a coordinator.

use std::sync::Arc;

use tokio::sync::{Mutex, watch};

use crate::broker::feed::Feed;
use crate::broker::{Broker, RequestError};
use crate::lifecycle::Lifecycle;
use crate::metrics::CoordinatorMetrics;
use crate::policy::Policy;
use crate::task::Lane;

use super::budget::Budgets;
use super::callbacks::Poster;
use super::leader::Leader;
use super::{
    CallbackOptions, audit, blocked, consumers, crew, feeds, leader, overload, rates, views, waits, wakes,
};

/// Twice the time after which a report comes back whose coordinator died, so that whoever can do what is left to be
/// done has done it.
const AUDIT_GRACE_MS: u64 = 60_000;

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
}

impl From<CallbackOptions> for CoordinatorOptions {
    fn from(callbacks: CallbackOptions) -> Self {
        Self {
            callbacks,
            audit_grace_ms: AUDIT_GRACE_MS,
        }
    }
}

/// A running coordinator; it stops with its lifecycle.
pub struct Coordinator {
    pub(super) broker: Broker,
    pub(super) policy: Arc<Policy>,
    pub(super) metrics: Arc<CoordinatorMetrics>,
    pub(super) lifecycle: Lifecycle,
    pub(super) poster: Poster,
    pub(super) budgets: Budgets,
    pub(super) leader: Leader,
    pub(super) audit_grace_ms: u64,
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
        policy: Arc<Policy>,
        metrics: Arc<CoordinatorMetrics>,
        options: CoordinatorOptions,
        lifecycle: &Lifecycle,
    ) -> Result<Arc<Self>, CoordinatorError> {
        broker.crash_with(lifecycle);
        let poster = Poster::new(options.callbacks, &policy.callbacks)?;
        let budgets = Budgets::of(&policy);
        let coordinator = Arc::new(Self {
            broker,
            policy,
            metrics,
            lifecycle: lifecycle.clone(),
            poster,
            budgets,
            leader: Leader::new(),
            audit_grace_ms: options.audit_grace_ms,
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
}
