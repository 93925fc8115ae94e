//! What a worker is started with, and how it is started.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::fairness::Served;
use super::shell::Shell;
use crate::broker::{Broker, RequestError};
use crate::config::LivePolicy;
use crate::executor::Executors;
use crate::lifecycle::Lifecycle;
use crate::metrics::{Readiness, WorkerMetrics};
use crate::policy::PolicyVersion;
use crate::task::WorkerId;

/// What a worker is started with.
#[derive(Clone)]
pub struct WorkerOptions {
    /// Its name in results, reports and the registry; unique.
    pub id: WorkerId,
    /// What it is told apart by in rollouts.
    pub labels: BTreeMap<String, String>,
    /// Places to execute; at least 1.
    pub slots: u32,
    /// Shares, time-outs and bounds, as they hold now.
    pub policy: Arc<LivePolicy>,
    /// The models it serves.
    pub executors: Executors,
    /// Where it counts.
    pub metrics: Arc<WorkerMetrics>,
    /// How evenly it served: one for all workers of a process, which show one number.
    pub served: Arc<Served>,
}

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    readiness: watch::Receiver<Readiness>,
    acting: watch::Receiver<PolicyVersion>,
    draining: CancellationToken,
    done: tokio::task::JoinHandle<()>,
}

impl Worker {
    /// Starts a worker that runs until `lifecycle` stops it.
    ///
    /// # Errors
    /// [`RequestError`] when the connection is gone or the streams are missing.
    pub async fn start(
        broker: Broker,
        options: WorkerOptions,
        lifecycle: &Lifecycle,
    ) -> Result<Self, RequestError> {
        broker.crash_with(lifecycle);
        let (told, readiness) = watch::channel(Readiness::Starting);
        let draining = lifecycle.soft().child_token();
        let shell = Shell::open(broker, options, lifecycle.clone(), draining.clone(), told).await?;
        let acting = shell.acting();
        let done = lifecycle.spawn(shell.run());
        Ok(Self {
            readiness,
            acting,
            draining,
            done,
        })
    }

    /// Whether it takes tasks; changes are heard.
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<Readiness> {
        self.readiness.clone()
    }

    /// The policy it chooses by; changes are heard.
    #[must_use]
    pub fn acting(&self) -> watch::Receiver<PolicyVersion> {
        self.acting.clone()
    }

    /// Cancelled when it was told to stop, by its lifecycle or by an order.
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// Waits until it has stopped.
    pub async fn stopped(self) {
        // A panic was seen by the lifecycle, which stops the rest.
        if let Err(error) = self.done.await {
            tracing::error!(%error, "the worker ended by itself");
        }
    }
}
