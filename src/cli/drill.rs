//! `drill run`: a mesh of many processes on a server of its own, hit while it works.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::net::TcpListener;

use super::exit::{Exit, Stop};
use super::flags;
use super::output::table;
use super::role::dev::start_server;
use super::session::Session;
use crate::broker::Broker;
use crate::broker::topology::{Extras, apply, desired, export, plan};
use crate::config::Raw;
use crate::drill::{self, Outcome, Plan, Stage, TASKS};
use crate::failpoint;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    server: flags::Server,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Carry out a drill; exits with 1 when anything was lost, invented or doubled
    ///
    /// Needs a build that can end a process between two of its writes: see `make drill`.
    Run {
        /// Which
        #[arg(value_enum, value_name = "NAME")]
        name: Name,
        /// What the plan is made from; the same seed makes the same plan
        #[arg(long, default_value_t = 1, value_name = "N")]
        seed: u64,
        /// Tasks that are submitted
        #[arg(long, default_value_t = TASKS as u32, value_name = "N", value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
        tasks: u32,
        /// Folder where the log of every process is kept; otherwise they go when the drill ends
        #[arg(long, value_name = "DIR")]
        logs: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// Failing, hanging and crashing tasks; coordinators, gateway and workers killed and frozen
    ChaosMini,
}

impl Args {
    pub(super) fn fill(&self, raw: &mut Raw) {
        self.server.fill(raw);
    }
}

pub(super) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    let Command::Run {
        name: Name::ChaosMini,
        seed,
        tasks,
        logs,
    } = args.command;
    if !failpoint::IS_BUILT_IN {
        bail!(Stop::refused(
            "this build has no places to end a process at; `make drill` builds one that has"
        ));
    }
    let plan = Plan::chaos_mini(seed, tasks as usize);
    let outcome = carry_out(&plan, u64::from(tasks), session, logs).await?;
    let faults = outcome.faults();
    session.output.line(&outcome, text)?;
    for fault in &faults {
        tracing::error!(seed, "the drill failed: {fault}");
    }
    Ok(if faults.is_empty() { Exit::Ok } else { Exit::Error })
}

async fn carry_out(
    plan: &Plan,
    tasks: u64,
    session: &Session,
    logs: Option<PathBuf>,
) -> anyhow::Result<Outcome> {
    let server = start_server(session, None, None).await?;
    let folder = logs.unwrap_or_else(|| server.folder().join("drill"));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {} for the logs", folder.display()))?;
    make_streams(server.url()).await?;
    let stage = Stage {
        nats: server.url().to_owned(),
        program: std::env::current_exe().context("cannot find this executable")?,
        folder,
        http: free_address().await?,
    };
    let bar = progress(tasks);
    let outcome = drill::run(plan, &stage, |ended| bar.set_position(ended as u64)).await;
    bar.finish_and_clear();
    server.stop().await;
    Ok(outcome?)
}

async fn make_streams(url: &str) -> anyhow::Result<()> {
    let broker = Broker::connect(&[url.to_owned()], None, "drill").await?;
    let plan = plan(&desired(), &export(&broker).await?);
    apply(&broker, &plan, Extras::Keep).await?;
    Ok(())
}

/// A gateway that is killed comes back where it was, so the place has to be known before.
async fn free_address() -> anyhow::Result<SocketAddr> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(any)
        .await
        .context("cannot listen on loopback")?;
    Ok(listener.local_addr()?)
}

fn text(of: &Outcome) -> String {
    let mut rows = vec![
        ("accepted", of.accepted),
        ("terminal", of.terminal),
        ("lost", of.lost),
        ("invented", of.invented),
        ("duplicates visible", of.duplicates_visible),
        ("repairs", of.repairs),
        ("redeliveries", of.redeliveries),
        ("left behind", of.left),
        ("began too early", of.too_early),
        ("beyond the limit of a key", of.overheld),
        ("ended otherwise than it must", of.wrong_end),
        ("processes killed", u64::from(of.kills)),
        ("ended between two writes", u64::from(of.failpoints)),
        ("frozen", u64::from(of.freezes)),
        ("crashed by a task", u64::from(of.crashes)),
        ("seconds", of.took_ms / 1000),
        ("seed", of.seed),
    ];
    rows.extend(of.happened.sure());
    rows.push(("lost_keys", of.happened.lost_keys));
    let rows = rows.into_iter();
    table(
        ["figure", "value"],
        rows.map(|(name, value)| [name.to_owned(), value.to_string()]),
    )
}

/// Drawn on a terminal only.
fn progress(tasks: u64) -> ProgressBar {
    let bar = ProgressBar::new(tasks);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} tasks have ended, {elapsed}");
    style.map_or(bar.clone(), |style| bar.with_style(style))
}
