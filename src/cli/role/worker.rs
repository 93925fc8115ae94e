//! `worker`: pulls tasks and runs them until it is stopped. Its commands are those of [`fleet`].

use std::sync::Arc;

use super::process::{Process, unique_name};
use crate::broker::Broker;
use crate::cli::exit::Exit;
use crate::cli::flags;
use crate::cli::fleet;
use crate::cli::session::Session;
use crate::config::Raw;
use crate::metrics::WorkerMetrics;
use crate::task::WorkerId;
use crate::worker::{Worker, WorkerOptions};

/// Without a command: pull tasks and run them until told to stop
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Option<fleet::Command>,
    #[command(flatten)]
    worker: flags::Worker,
    #[command(flatten)]
    role: flags::Role,
}

impl Args {
    pub(in crate::cli) fn fill(&self, raw: &mut Raw) {
        self.worker.fill(raw);
        self.role.fill(raw);
    }
}

pub(in crate::cli) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    match args.command {
        Some(command) => fleet::run(command, session).await,
        None => work(session).await,
    }
}

async fn work(session: &Session) -> anyhow::Result<Exit> {
    let settings = &session.settings;
    let own = session.policy()?;
    let id = settings
        .worker_id
        .clone()
        .unwrap_or_else(|| unique_name("worker"));
    let process = Process::start(session).await?;
    let broker = Broker::connect(&settings.nats_url, settings.nats_creds.as_deref(), &id).await?;
    let policy = broker.policy_at_start(own).await;
    broker.follow_policy(&policy, &process.lifecycle);
    let executors = process.executors(session, &policy, 1).await?;
    let metrics = Arc::new(WorkerMetrics::new());
    let options = WorkerOptions {
        labels: settings.worker_labels.clone(),
        id: WorkerId::new(&id)?,
        slots: settings.slots,
        policy,
        executors,
        metrics,
        served: Arc::default(),
    };
    let worker = Worker::start(broker, options, &process.lifecycle).await?;
    tracing::info!(worker.id = %id, slots = settings.slots, "taking tasks");
    let mut readiness = worker.readiness();
    let told = process.readiness.clone();
    process.lifecycle.spawn_aside(async move {
        while readiness.changed().await.is_ok() {
            told.send_replace(*readiness.borrow_and_update());
        }
    });
    process.readiness.send_replace(*worker.readiness().borrow());
    // An order to drain stops the process as a signal does.
    let (draining, soft) = (worker.draining(), process.lifecycle.soft().clone());
    process.lifecycle.spawn_aside(async move {
        draining.cancelled().await;
        soft.cancel();
    });
    Ok(process.until_stopped().await)
}
