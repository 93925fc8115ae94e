//! `bench retries`: many retries due at about the same time, and what a coordinator takes for them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use nix::unistd::{SysconfVar, sysconf};
use tokio::process::{Child, Command};

use super::stage::progress;
use crate::bench::{POLICY, Retries, WINDOW, Workload, arrived, report, scheduled};
use crate::broker::Broker;
use crate::broker::topology::{Extras, apply, desired, export, plan};
use crate::child;
use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::role::dev::start_server;
use crate::cli::role::process::THIS_PROGRAM;
use crate::cli::session::Session;
use crate::clock;
use crate::dev::Server;
use crate::task::EpochMs;

/// How long the coordinator is watched while everything waits.
const IDLE: Duration = Duration::from_secs(10);
/// How late the last retry may be before it counts as missing, in ms.
const LATE_MS_MAX: u64 = 60_000;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Retries that come due within ten seconds
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    tasks: u32,
    /// From the first report to the first retry: judging all of them has to be done by then
    #[arg(long, default_value_t = 180, value_name = "S", value_parser = clap::value_parser!(u64).range(20..=86_400))]
    lead_s: u64,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let folder = tempfile::tempdir().context("no place for a store")?;
    let bar = progress(5);
    let retries = measure(args, session, folder.path(), &|what| {
        bar.set_message(what);
        bar.inc(1);
    })
    .await;
    bar.finish_and_clear();
    session.output.line(&retries?, text)?;
    Ok(Exit::Ok)
}

async fn measure(
    args: &Args,
    session: &Session,
    folder: &Path,
    say: &(dyn Fn(&'static str) + Sync),
) -> anyhow::Result<Retries> {
    let (count, policy) = (args.tasks as usize, Workload::new(1)?.policy);
    let from = clock::wall().plus_ms(args.lead_s * 1000);
    say("reporting and judging");
    let began = clock::monotonic();
    let before = Stand::up(session, folder).await?;
    report(&before.broker, &policy, count, from).await?;
    let due = scheduled(&before.broker, count).await?;
    let judged = clock::monotonic().since(began);
    say("idle");
    let used = before.used()?;
    tokio::time::sleep(IDLE).await;
    let idle = before.used()?;
    say("restarting everything");
    before.down().await;
    let after = Stand::up(session, folder).await?;
    say("waiting for them");
    let last = EpochMs(from.0).plus_ms(WINDOW.as_millis() as u64 + LATE_MS_MAX);
    let (late, missing) = arrived(&after.broker, &due, last).await?;
    let end = after.used()?;
    say("done");
    after.down().await;
    Ok(Retries {
        retries: count,
        late_ms_p50: late.value_at_quantile(0.5),
        late_ms_p99: late.value_at_quantile(0.99),
        late_ms_max: late.max(),
        missing,
        coordinator_mib_max: idle.mib_max.max(end.mib_max),
        coordinator_mib_idle: idle.mib,
        coordinator_core_idle: (idle.cpu_s - used.cpu_s) / IDLE.as_secs_f64(),
        judged_per_s: (count as f64 / judged.as_secs_f64()).round(),
    })
}

/// A server on a store that outlives it, and a coordinator as a process of its own.
struct Stand {
    server: Server,
    broker: Broker,
    coordinator: Child,
}

/// What a process has used.
struct Used {
    cpu_s: f64,
    mib: f64,
    mib_max: f64,
}

impl Stand {
    async fn up(session: &Session, folder: &Path) -> anyhow::Result<Self> {
        let server = start_server(session, Some(folder.join("store")), None).await?;
        let broker = Broker::connect(&[server.url().to_owned()], None, "bench").await?;
        let streams = plan(&desired(), &export(&broker).await?);
        apply(&broker, &streams, Extras::Keep).await?;
        let policy = folder.join("policy.yaml");
        std::fs::write(&policy, POLICY).context("cannot write the policy")?;
        let policy = policy.display().to_string();
        let command = [
            THIS_PROGRAM,
            "coordinator",
            "--nats",
            server.url(),
            "--policy",
            &policy,
            "--metrics-listen",
            "127.0.0.1:0",
        ];
        let coordinator = Command::new(THIS_PROGRAM)
            .args(child::arguments(None, &command))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a coordinator")?;
        Ok(Self {
            server,
            broker,
            coordinator,
        })
    }

    fn used(&self) -> anyhow::Result<Used> {
        let pid = self.coordinator.id().context("the coordinator has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
            kib.unwrap_or(0.0) / 1024.0
        };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // Behind the name, which may hold anything, in clock ticks: user and system time are the 12th and 13th.
        let behind = stat.rsplit(") ").next().unwrap_or_default();
        let ticks: f64 = behind
            .split(' ')
            .skip(11)
            .take(2)
            .filter_map(|text| text.parse::<f64>().ok())
            .sum();
        let per_s = sysconf(SysconfVar::CLK_TCK)?.unwrap_or(100) as f64;
        Ok(Used {
            cpu_s: ticks / per_s,
            mib: mib("VmRSS:"),
            mib_max: mib("VmHWM:"),
        })
    }

    async fn down(mut self) {
        // It ends with its server otherwise, and too late.
        let _ = self.coordinator.kill().await;
        drop(self.broker);
        self.server.stop().await;
    }
}

fn text(of: &Retries) -> String {
    let rows = [
        ("retries", of.retries.to_string()),
        ("late, p50", format!("{} ms", of.late_ms_p50)),
        ("late, p99", format!("{} ms", of.late_ms_p99)),
        ("late, most", format!("{} ms", of.late_ms_max)),
        ("missing or twice", of.missing.to_string()),
        (
            "coordinator, at most",
            format!("{:.1} MiB", of.coordinator_mib_max),
        ),
        (
            "coordinator, while they wait",
            format!("{:.1} MiB", of.coordinator_mib_idle),
        ),
        (
            "coordinator, while they wait",
            format!("{:.2} % of a core", of.coordinator_core_idle * 100.0),
        ),
        ("judged per second", format!("{:.0}", of.judged_per_s)),
    ];
    table(
        ["figure", "value"],
        rows.map(|(name, value)| [name.to_owned(), value]),
    )
}
