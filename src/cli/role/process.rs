//! What every role does beside its work: serve metrics, hear signals, stop in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::clock;
use crate::config::LivePolicy;
use crate::executor::{Executors, Host};
use crate::lifecycle::{Lifecycle, on_signals};
use crate::metrics::{Exposition, Readiness, pages, serve};
use crate::policy::{Model, Policy, PolicyVersion};

/// This executable, even after another was put in its place.
pub(in crate::cli) const THIS_PROGRAM: &str = "/proc/self/exe";

/// A process with a role.
pub(super) struct Process {
    pub(super) lifecycle: Lifecycle,
    /// Where metrics are served.
    pub(super) metrics: SocketAddr,
    /// What `/readyz` answers.
    pub(super) readiness: watch::Sender<Readiness>,
    exposition: Exposition,
    ready: watch::Receiver<Readiness>,
    grace: Duration,
}

impl Process {
    /// Binds the metrics port and sets the signal handlers. Call it before any metrics are made.
    pub(super) async fn start(session: &Session) -> anyhow::Result<Self> {
        let exposition = Exposition::install()?;
        let wanted = session.settings.metrics_listen;
        let listener = TcpListener::bind(wanted).await.with_context(|| {
            format!("cannot listen on {wanted} for metrics; choose another --metrics-listen")
        })?;
        let metrics = listener.local_addr()?;
        let lifecycle = Lifecycle::new();
        on_signals(&lifecycle).context("cannot hear signals")?;
        let (readiness, ready) = watch::channel(Readiness::Starting);
        // Served until the hard stop, so that a draining role still says so.
        lifecycle.spawn_aside(serve(
            listener,
            exposition.clone(),
            ready.clone(),
            lifecycle.hard().clone(),
        ));
        tracing::info!(address = %metrics, "serving /metrics, /healthz and /readyz");
        let grace = Duration::from_millis(session.settings.drain_ms);
        Ok(Self {
            lifecycle,
            metrics,
            readiness,
            exposition,
            ready,
            grace,
        })
    }

    /// The same pages, for a server of the role's own.
    pub(super) fn pages(&self) -> axum::Router {
        pages(self.exposition.clone(), self.ready.clone())
    }

    /// What runs the models of `policy`, as it holds, for so many workers, all with the slots of the settings.
    pub(super) async fn executors(
        &self,
        session: &Session,
        policy: &Arc<LivePolicy>,
        workers: u32,
    ) -> anyhow::Result<Executors> {
        let host = Host {
            model_dir: session.settings.model_dir.clone(),
            slots: session.settings.slots.saturating_mul(workers),
            program: PathBuf::from(THIS_PROGRAM),
            lifecycle: self.lifecycle.clone(),
        };
        // Before they are made: a change meanwhile is not missed.
        let changes = policy.changes();
        let executors = Executors::for_policy(&policy.now(), host).await?;
        let (following, policy) = (executors.clone(), policy.clone());
        let soft = self.lifecycle.soft().clone();
        self.lifecycle.spawn_aside(async move {
            tokio::select! { () = refit(following, policy, changes) => (), () = soft.cancelled() => () }
        });
        Ok(executors)
    }

    /// Waits for a signal, finishes what runs, and says how the process ends.
    pub(super) async fn until_stopped(self) -> Exit {
        self.lifecycle.soft().cancelled().await;
        self.stop().await
    }

    /// Finishes what runs; at the end of the grace time, or on a second signal, the rest is handed
    /// back.
    pub(super) async fn stop(self) -> Exit {
        self.readiness.send_replace(Readiness::Draining);
        tracing::info!(
            grace_ms = self.grace.as_millis() as u64,
            "stopping: finishing what runs"
        );
        self.lifecycle.stop(self.grace).await;
        if self.lifecycle.is_aborted() || self.lifecycle.is_crashed() {
            Exit::Error
        } else {
            Exit::Ok
        }
    }
}

/// Makes what runs the models follow the policy, and one on trial where that has models of its own.
async fn refit(executors: Executors, policy: Arc<LivePolicy>, mut changes: watch::Receiver<PolicyVersion>) {
    changes.mark_changed();
    while changes.changed().await.is_ok() {
        let (now, trial) = (policy.now(), policy.trial());
        // What both have is run as the one that holds says; a rollout that would run it in another way is not begun.
        let added = trial.as_ref().map(|on| {
            let has = |model: &Model| now.model_by_token(&model.name.token()).is_some();
            let mut added = Policy::clone(&on.edition);
            added.models.retain(|model| !has(model));
            added
        });
        let of_now: &Policy = &now;
        for policy in std::iter::once(of_now).chain(&added) {
            for error in executors.refit(policy).await {
                tracing::error!(policy = %now.version, %error, "a model of the policy cannot be served here as it says; others go on");
            }
        }
    }
}

/// A name no other process has: the role, its process id and the millisecond it started in.
pub(in crate::cli) fn unique_name(role: &str) -> String {
    format!("{role}-{}-{:x}", std::process::id(), clock::wall().0)
}
