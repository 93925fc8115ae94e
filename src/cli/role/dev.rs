//! `dev`: a whole mesh in one process, with a nats-server of its own unless told another.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;
use tokio::net::TcpListener;

use super::process::{Process, unique_name};
use super::{coordinator, gateway};
use crate::broker::Broker;
use crate::cli::exit::Exit;
use crate::cli::flags;
use crate::cli::session::Session;
use crate::config::{LivePolicy, Raw, redact_url};
use crate::coordinator::{CallbackOptions, SigningKey};
use crate::dev::{Mesh, MeshOptions, Server, ServerOptions, lay_streams};
use crate::metrics::Readiness;
use crate::policy::{Policy, Reach};

/// A key that was made here, beside the streams.
const KEY_FILE: &str = "callback.key";

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    worker: flags::Worker,
    #[command(flatten)]
    http: flags::Http,
    #[command(flatten)]
    callbacks: flags::Callbacks,
    #[command(flatten)]
    role: flags::Role,
    #[command(flatten)]
    server: flags::Server,
    /// Workers in this process
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: u32,
    /// Deliver callbacks to loopback and private addresses, too
    #[arg(long)]
    callback_private: bool,
    /// Keep the data in this folder; without it, it goes with the process
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Port of the nats-server; without it, a free one
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

/// The line that says that everything runs.
#[derive(Serialize)]
struct Ready {
    nats: String,
    gateway: String,
    metrics: String,
    /// The file of a key that was made here; never the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_key: Option<PathBuf>,
    pid: u32,
}

impl Ready {
    fn text(&self) -> String {
        let key = self.callback_key.as_ref();
        let key = key.map_or_else(String::new, |path| format!("\n  key      {}", path.display()));
        format!(
            "mesh ready\n  nats     {}\n  gateway  {}\n  metrics  {}{key}\nCtrl-C stops it",
            self.nats, self.gateway, self.metrics
        )
    }
}

impl Args {
    pub(in crate::cli) fn fill(&self, raw: &mut Raw) {
        self.worker.fill(raw);
        self.http.fill(raw);
        self.callbacks.fill(raw);
        self.role.fill(raw);
        self.server.fill(raw);
    }

    fn reach(&self) -> Reach {
        if self.callback_private {
            Reach::Anywhere
        } else {
            Reach::Public
        }
    }
}

pub(in crate::cli) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    let settings = &session.settings;
    let own = session.policy()?;
    let mut callbacks = coordinator::callbacks(session, args.reach())?;
    let listener = gateway::listen_nearby(session).await?;
    let process = Process::start(session).await?;
    let server = match session.nats_given {
        true => None,
        false => Some(start_server(session, args.store.clone(), args.port).await?),
    };
    let key_file = callback_key(&mut callbacks, args.store.as_deref(), server.as_ref())?;
    let nats_url = server
        .as_ref()
        .map_or_else(|| settings.nats_url.clone(), |s| vec![s.url().to_owned()]);
    let policy = policy(session, own, &nats_url, &process).await?;
    let executors = process.executors(session, &policy, args.workers).await?;
    let options = MeshOptions {
        nats_url: nats_url.clone(),
        nats_creds: settings.nats_creds.clone(),
        policy,
        coordinator: callbacks.into(),
        executors,
        workers: args.workers,
        slots: settings.slots,
        name: settings.worker_id.clone().unwrap_or_else(|| unique_name("dev")),
    };
    let mut server_died = false;
    let started = start(options, listener, &process).await;
    if let Ok((_, gateway)) = &started {
        process.readiness.send_replace(Readiness::Ready);
        let nats: Vec<String> = nats_url.iter().map(|url| redact_url(url)).collect();
        session.output.line(
            &Ready {
                nats: nats.join(","),
                gateway: format!("http://{gateway}"),
                metrics: format!("http://{}/metrics", process.metrics),
                callback_key: key_file,
                pid: std::process::id(),
            },
            Ready::text,
        )?;
        let ended = server.as_ref().map(|s| s.ended().clone());
        let gone = async {
            match ended {
                Some(ended) => ended.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = process.lifecycle.soft().cancelled() => (),
            () = gone => {
                // Nothing can be finished or handed back without it.
                tracing::error!("nats-server has ended by itself; stopping");
                process.lifecycle.hard().cancel();
                server_died = true;
            }
        }
    }
    let exit = process.stop().await;
    // The connections go before the server does, or they would complain.
    let started = started.map(drop);
    if let Some(server) = server {
        server.stop().await;
    }
    started?;
    Ok(if server_died { Exit::Error } else { exit })
}

/// What holds, once there is a place for it.
async fn policy(
    session: &Session,
    own: Policy,
    nats_url: &[String],
    process: &Process,
) -> anyhow::Result<Arc<LivePolicy>> {
    let creds = session.settings.nats_creds.as_deref();
    let broker = Broker::connect(nats_url, creds, &unique_name("dev-policy")).await?;
    lay_streams(&broker).await?;
    let policy = broker.policy_at_start(own).await;
    broker.follow_policy(&policy, &process.lifecycle);
    Ok(policy)
}

/// Signs with a key of this server's own unless one was given; says where it lies. Beside a server that
/// others use there is none: coordinators share deliveries, and a receiver knows one key.
fn callback_key(
    callbacks: &mut CallbackOptions,
    store: Option<&Path>,
    server: Option<&Server>,
) -> anyhow::Result<Option<PathBuf>> {
    let (None, Some(server)) = (&callbacks.key, server) else {
        return Ok(None);
    };
    let path = store.unwrap_or(server.folder()).join(KEY_FILE);
    callbacks.key = Some(SigningKey::load_or_make(&path)?);
    Ok(Some(path))
}

/// The mesh, and then its doors: a task that is taken is also worked off.
async fn start(
    options: MeshOptions,
    listener: TcpListener,
    process: &Process,
) -> anyhow::Result<(Mesh, SocketAddr)> {
    let (urls, creds) = (options.nats_url.clone(), options.nats_creds.clone());
    let (name, policy) = (format!("{}-gateway", options.name), options.policy.clone());
    // Its own gateway listens on loopback unless told otherwise.
    let how = gateway::Admits {
        reach: options.coordinator.callbacks.reach,
        tracks: true,
        policies: listener.local_addr().is_ok_and(|on| on.ip().is_loopback()),
    };
    let mesh = Mesh::start(options, &process.lifecycle).await?;
    let broker = Broker::connect(&urls, creds.as_deref(), &name).await?;
    let address = gateway::open(listener, broker, policy, how, process).await?;
    Ok((mesh, address))
}

/// The server of this process; its guard is this same executable.
pub(in crate::cli) async fn start_server(
    session: &Session,
    store: Option<PathBuf>,
    port: Option<u16>,
) -> anyhow::Result<Server> {
    let program = session
        .settings
        .nats_server
        .clone()
        .unwrap_or_else(|| "nats-server".into());
    let guard = std::env::current_exe().context("cannot find this executable")?;
    let options = ServerOptions {
        store,
        port,
        ..ServerOptions::new(program, guard)
    };
    Ok(Server::start(options).await?)
}
