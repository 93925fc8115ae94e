//! A fresh server with its streams and consumers, with or without a worker.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::broker::Broker;
use crate::cli::role::dev::start_server;
use crate::cli::session::Session;
use crate::config::LivePolicy;
use crate::coordinator::{CallbackOptions, CoordinatorOptions};
use crate::dev::{Mesh, MeshOptions, Server};
use crate::executor::{Executor, Executors};
use crate::lifecycle::Lifecycle;
use crate::metrics::WorkerMetrics;
use crate::policy::Policy;
use crate::task::WorkerId;
use crate::worker::{Worker, WorkerOptions};

/// How long a stopped mesh may take to finish.
const GRACE: Duration = Duration::from_secs(10);
/// A stage of a rollout that is so old goes on without proof, in ms.
const STAGE_MS_MAX: u64 = 600_000;

pub(super) struct Stage {
    server: Server,
    pub(super) mesh: Mesh,
    policy: Arc<Policy>,
    /// What its processes act on.
    live: Arc<LivePolicy>,
    lifecycle: Lifecycle,
}

impl Stage {
    /// A server with its streams and a coordinator.
    pub(super) async fn set(session: &Session, policy: &Arc<Policy>) -> anyhow::Result<Self> {
        Self::with(session, policy, CallbackOptions::default().into()).await
    }

    /// The same, that acts on what is applied, and whose rollouts have stages of so many ms at least.
    pub(super) async fn live(session: &Session, policy: &Arc<Policy>, stage_ms: u64) -> anyhow::Result<Self> {
        let options = CoordinatorOptions {
            stage_ms: Some((stage_ms, STAGE_MS_MAX)),
            ..CallbackOptions::default().into()
        };
        let stage = Self::with(session, policy, options).await?;
        stage.mesh.broker.follow_policy(&stage.live, &stage.lifecycle);
        Ok(stage)
    }

    async fn with(
        session: &Session,
        policy: &Arc<Policy>,
        coordinator: CoordinatorOptions,
    ) -> anyhow::Result<Self> {
        let live = LivePolicy::fixed(Policy::clone(policy));
        let server = start_server(session, None, None).await?;
        let lifecycle = Lifecycle::new();
        let options = MeshOptions {
            nats_url: vec![server.url().to_owned()],
            nats_creds: None,
            policy: live.clone(),
            coordinator,
            executors: Executors::new(),
            workers: 0,
            slots: 0,
            name: "bench".to_owned(),
        };
        let mesh = Mesh::start(options, &lifecycle).await?;
        Ok(Self {
            server,
            mesh,
            policy: policy.clone(),
            live,
            lifecycle,
        })
    }

    /// Adds a worker that runs `executor` for the policy's first model.
    pub(super) async fn work(&self, slots: u32, executor: Arc<dyn Executor>) -> anyhow::Result<()> {
        self.start("bench-1", slots, executor, &self.lifecycle).await
    }

    /// The same under a name of its own, to be stopped alone.
    pub(super) async fn work_as(
        &self,
        name: &str,
        slots: u32,
        executor: Arc<dyn Executor>,
    ) -> anyhow::Result<Lifecycle> {
        let lifecycle = self.lifecycle.child();
        self.start(name, slots, executor, &lifecycle).await?;
        Ok(lifecycle)
    }

    async fn start(
        &self,
        name: &str,
        slots: u32,
        executor: Arc<dyn Executor>,
        lifecycle: &Lifecycle,
    ) -> anyhow::Result<()> {
        let mut executors = Executors::new();
        executors.add(&self.policy.models[0].name, executor);
        let options = WorkerOptions {
            labels: BTreeMap::new(),
            id: WorkerId::new(name)?,
            slots,
            policy: self.live.clone(),
            executors,
            metrics: Arc::new(WorkerMetrics::new()),
            served: Arc::default(),
        };
        let broker = Broker::connect(&[self.server.url().to_owned()], None, name).await?;
        Worker::start(broker, options, lifecycle).await?;
        Ok(())
    }

    /// What its processes act on.
    pub(super) fn policy_now(&self) -> Arc<LivePolicy> {
        self.live.clone()
    }

    /// What stops it.
    pub(super) fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    pub(super) async fn clear(self) {
        self.lifecycle.stop(GRACE).await;
        drop(self.mesh);
        self.server.stop().await;
    }
}

/// Drawn on a terminal only.
pub(super) fn progress(steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {pos}/{len} {msg}");
    let bar = ProgressBar::new(steps);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}
