//! `coordinator`: makes consumers, judges failures, finds what nobody covers.

use std::sync::Arc;

use super::process::{Process, unique_name};
use crate::broker::Broker;
use crate::cli::exit::Exit;
use crate::cli::flags;
use crate::cli::session::Session;
use crate::config::Raw;
use crate::coordinator::{CallbackOptions, Coordinator, SigningKey};
use crate::metrics::{CoordinatorMetrics, Readiness};
use crate::policy::Reach;

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    callbacks: flags::Callbacks,
    #[command(flatten)]
    role: flags::Role,
}

impl Args {
    pub(in crate::cli) fn fill(&self, raw: &mut Raw) {
        self.callbacks.fill(raw);
        self.role.fill(raw);
    }
}

pub(in crate::cli) async fn run(session: &Session) -> anyhow::Result<Exit> {
    let settings = &session.settings;
    let own = session.policy()?;
    let callbacks = callbacks(session, Reach::Public)?;
    if callbacks.key.is_none() {
        tracing::warn!(
            "callbacks go out unsigned, so that receivers cannot tell who sent them; give --callback-key"
        );
    }
    let name = unique_name("coordinator");
    let broker = Broker::connect(&settings.nats_url, settings.nats_creds.as_deref(), &name).await?;
    let process = Process::start(session).await?;
    let policy = broker.policy_at_start(own).await;
    broker.follow_policy(&policy, &process.lifecycle);
    let metrics = Arc::new(CoordinatorMetrics::new());
    Coordinator::start(broker, policy, metrics, callbacks.into(), &process.lifecycle).await?;
    process.readiness.send_replace(Readiness::Ready);
    tracing::info!(%name, "coordinating");
    Ok(process.until_stopped().await)
}

/// How results are delivered; the key is read from its file.
pub(super) fn callbacks(session: &Session, reach: Reach) -> anyhow::Result<CallbackOptions> {
    let key = session.settings.callback_key.as_deref();
    let key = key.map(SigningKey::load).transpose()?;
    Ok(CallbackOptions { key, reach })
}
