//! `gateway`: takes submissions over REST and the NATS service.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;

use super::process::{Process, unique_name};
use crate::broker::Broker;
use crate::cli::exit::Exit;
use crate::cli::flags;
use crate::cli::session::Session;
use crate::config::{LivePolicy, Raw};
use crate::gateway::{Desk, serve};
use crate::metrics::{GatewayMetrics, Readiness};
use crate::policy::Reach;

/// Where a gateway listens unless told.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7070);

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    http: flags::Http,
    /// Let whoever reaches this gateway change the policy of the mesh
    #[arg(long)]
    policy_writes: bool,
    /// Let callers say by Fl-Track, or by the label fl-policy, on which track a task is while a policy is on trial
    #[arg(long)]
    choose_track: bool,
    #[command(flatten)]
    role: flags::Role,
}

impl Args {
    pub(in crate::cli) fn fill(&self, raw: &mut Raw) {
        self.http.fill(raw);
        self.role.fill(raw);
    }
}

pub(in crate::cli) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let settings = &session.settings;
    let own = session.policy()?;
    let name = unique_name("gateway");
    let broker = Broker::connect(&settings.nats_url, settings.nats_creds.as_deref(), &name).await?;
    let listener = listen(settings.http_listen.unwrap_or(LISTEN)).await?;
    let process = Process::start(session).await?;
    let policy = broker.policy_at_start(own).await;
    broker.follow_policy(&policy, &process.lifecycle);
    let how = Admits {
        reach: Reach::Public,
        policies: args.policy_writes,
        tracks: args.choose_track,
    };
    let address = open(listener, broker, policy, how, &process).await?;
    process.readiness.send_replace(Readiness::Ready);
    tracing::info!(%name, %address, "taking submissions");
    Ok(process.until_stopped().await)
}

/// The place `dev` listens on: the usual one if it is free, else any.
pub(super) async fn listen_nearby(session: &Session) -> anyhow::Result<TcpListener> {
    match session.settings.http_listen {
        Some(wanted) => listen(wanted).await,
        None => match TcpListener::bind(LISTEN).await {
            Ok(listener) => Ok(listener),
            Err(_) => listen(SocketAddr::new(LISTEN.ip(), 0)).await,
        },
    }
}

async fn listen(wanted: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(wanted).await;
    bound.with_context(|| format!("cannot listen on {wanted} for REST; choose another --http-listen"))
}

/// What a gateway lets callers do.
pub(super) struct Admits {
    /// Where results may be delivered to.
    pub(super) reach: Reach,
    /// Whether they may change the policy.
    pub(super) policies: bool,
    /// Whether they may choose the track of a task.
    pub(super) tracks: bool,
}

/// Opens both doors; says where REST is.
pub(super) async fn open(
    listener: TcpListener,
    broker: Broker,
    policy: Arc<LivePolicy>,
    how: Admits,
    process: &Process,
) -> anyhow::Result<SocketAddr> {
    let address = listener.local_addr()?;
    broker.crash_with(&process.lifecycle);
    let metrics = Arc::new(GatewayMetrics::new());
    let desk = Desk::new(broker, policy, how.reach, metrics, process.lifecycle.clone());
    let desk = Arc::new(desk.writing_policies(how.policies).choosing_tracks(how.tracks));
    desk.heed_overload();
    desk.say_what_holds();
    desk.open_service().await?;
    serve(listener, desk, process.pages(), &process.lifecycle);
    Ok(address)
}
