//! A whole mesh in one process: streams, a coordinator, as many workers as asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::broker::topology::{self, Extras, TopologyError};
use crate::broker::{Broker, ConnectError, RequestError};
use crate::config::LivePolicy;
use crate::coordinator::{Coordinator, CoordinatorError, CoordinatorOptions};
use crate::executor::Executors;
use crate::lifecycle::Lifecycle;
use crate::metrics::{CoordinatorMetrics, WorkerMetrics};
use crate::task::{NameError, WorkerId};
use crate::worker::{Served, Worker, WorkerOptions};

/// What a mesh is started with.
#[derive(Clone)]
pub struct MeshOptions {
    /// The servers to use.
    pub nats_url: Vec<String>,
    /// Credentials for them.
    pub nats_creds: Option<PathBuf>,
    /// What it obeys.
    pub policy: Arc<LivePolicy>,
    /// How its coordinator works.
    pub coordinator: CoordinatorOptions,
    /// What its workers can run.
    pub executors: Executors,
    /// How many workers; each has a connection of its own.
    pub workers: u32,
    /// Places to execute in each.
    pub slots: u32,
    /// The workers are called this and `-<number>`.
    pub name: String,
}

/// A mesh that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    /// The server cannot be used.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The streams cannot be made.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// The coordinator cannot start.
    #[error(transparent)]
    Coordinator(#[from] CoordinatorError),
    /// The mesh has no name that workers can have.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A worker cannot start.
    #[error(transparent)]
    Worker(#[from] RequestError),
}

/// A running mesh; it stops with its lifecycle.
#[derive(Debug)]
pub struct Mesh {
    /// A connection for whoever submits.
    pub broker: Broker,
}

/// Brings the streams to what the files say.
///
/// # Errors
/// [`TopologyError`], which says what to do.
pub async fn lay_streams(broker: &Broker) -> Result<(), TopologyError> {
    let plan = topology::plan(&topology::desired(), &topology::export(broker).await?);
    topology::apply(broker, &plan, Extras::Keep).await.map(drop)
}

impl Mesh {
    /// Brings the streams to what the files say, then starts the coordinator, then the workers.
    /// When it returns, tasks of every class and model of the policy are taken.
    ///
    /// # Errors
    /// [`MeshError`], which says what to do; stop the lifecycle then.
    pub async fn start(options: MeshOptions, lifecycle: &Lifecycle) -> Result<Self, MeshError> {
        let connect = |name: String| {
            let options = &options;
            async move { Broker::connect(&options.nats_url, options.nats_creds.as_deref(), &name).await }
        };
        let broker = connect(options.name.clone()).await?;
        lay_streams(&broker).await?;
        let coordinator = connect(format!("{}-coordinator", options.name)).await?;
        let metrics = Arc::new(CoordinatorMetrics::new());
        let how = options.coordinator.clone();
        Coordinator::start(coordinator, options.policy.clone(), metrics, how, lifecycle).await?;
        let (metrics, served) = (Arc::new(WorkerMetrics::new()), Arc::new(Served::default()));
        for number in 1..=options.workers {
            let id = format!("{}-{number}", options.name);
            let broker = connect(id.clone()).await?;
            let options = WorkerOptions {
                labels: BTreeMap::new(),
                id: WorkerId::new(&id)?,
                slots: options.slots,
                policy: options.policy.clone(),
                executors: options.executors.clone(),
                metrics: metrics.clone(),
                served: served.clone(),
            };
            Worker::start(broker, options, lifecycle).await?;
        }
        Ok(Self { broker })
    }
}
