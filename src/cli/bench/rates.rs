//! `bench rates`: does a rate hold over many workers, is it used up, and what does it cost others?

use std::sync::Arc;
use std::time::Duration;

use super::stage::{Stage, progress};
use crate::bench::{Kept, PER_S, Rates, StartClock, publish_class, rates_policy};
use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::session::Session;

/// Workers of each run, and slots of each of them.
const RUNS: [(u32, u32); 3] = [(1, 16), (4, 4), (16, 2)];
/// Workers where they come and go, of which one is taken away without a word every second.
const GOING: (u32, u32) = (8, 4);
/// Slots of the one worker that a ready class keeps busy.
const SLOTS: u32 = 8;
/// More than a ready class can start in a second.
const READY_PER_S: usize = 1_600;

#[derive(clap::Args)]
pub(super) struct Args {
    /// How long each run is
    #[arg(long, default_value_t = 20, value_name = "S", value_parser = clap::value_parser!(u32).range(2..=3_600))]
    seconds: u32,
    /// Pairs of runs of a ready class, alone and beside a limited one
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
}

impl Args {
    fn span(&self) -> Duration {
        Duration::from_secs(u64::from(self.seconds))
    }

    /// Tasks of the limited class that last for longer than a run.
    fn backlog(&self) -> usize {
        (2.0 * PER_S * f64::from(self.seconds)) as usize + 100
    }
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let bar = progress(RUNS.len() as u64 + 1 + 2 * u64::from(args.pairs));
    let (mut kept, mut pairs) = (Vec::new(), Vec::new());
    for (workers, slots) in RUNS {
        bar.set_message(format!("{workers} workers"));
        kept.push(alone(args, session, workers, slots).await?);
        bar.inc(1);
    }
    bar.set_message("workers that come and go");
    kept.push(coming_and_going(args, session).await?);
    bar.inc(1);
    for pair in 1..=args.pairs {
        bar.set_message(format!("a ready class, pair {pair} of {}", args.pairs));
        pairs.push((
            ready(args, session, 0).await?,
            ready(args, session, args.backlog()).await?,
        ));
        bar.inc(2);
    }
    bar.finish_and_clear();
    session.output.line(&Rates::of(kept, &pairs), text)?;
    Ok(Exit::Ok)
}

/// The limited class has every slot, and its bucket is full when the first task comes.
async fn alone(args: &Args, session: &Session, workers: u32, slots: u32) -> anyhow::Result<Kept> {
    let policy = rates_policy()?;
    let stage = Stage::set(session, &policy).await?;
    let clocked = Arc::new(StartClock::default());
    for n in 0..workers {
        stage
            .work_as(&format!("bench-{n}"), slots, clocked.clone())
            .await?;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    publish_class(&stage.mesh.broker, &policy, "limited", args.backlog()).await?;
    clocked.first(true).await;
    tokio::time::sleep(args.span()).await;
    stage.clear().await;
    Ok(Kept::of(workers, 0, &clocked.of(true), args.span()))
}

async fn coming_and_going(args: &Args, session: &Session) -> anyhow::Result<Kept> {
    let policy = rates_policy()?;
    let stage = Stage::set(session, &policy).await?;
    let (clocked, (workers, slots)) = (Arc::new(StartClock::default()), GOING);
    publish_class(&stage.mesh.broker, &policy, "limited", args.backlog()).await?;
    let mut there = std::collections::VecDeque::new();
    for n in 0..workers {
        there.push_back(
            stage
                .work_as(&format!("bench-{n}"), slots, clocked.clone())
                .await?,
        );
    }
    clocked.first(true).await;
    for n in 0..args.seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if let Some(leaves) = there.pop_front() {
            leaves.hard().cancel();
            leaves.soft().cancel();
        }
        let name = format!("bench-{}", workers + n);
        there.push_back(stage.work_as(&name, slots, clocked.clone()).await?);
    }
    stage.clear().await;
    Ok(Kept::of(workers, args.seconds, &clocked.of(true), args.span()))
}

/// Starts per second of all classes, where a ready one has more tasks than slots and a limited one so many.
async fn ready(args: &Args, session: &Session, limited: usize) -> anyhow::Result<f64> {
    let policy = rates_policy()?;
    let stage = Stage::set(session, &policy).await?;
    let (broker, clocked) = (&stage.mesh.broker, Arc::new(StartClock::default()));
    publish_class(broker, &policy, "ready", READY_PER_S * args.seconds as usize).await?;
    publish_class(broker, &policy, "limited", limited).await?;
    // Behind the publishes, for tokens come from then on.
    tokio::time::sleep(Duration::from_secs(2)).await;
    stage.work_as("bench-1", SLOTS, clocked.clone()).await?;
    let first = clocked.first(false).await;
    tokio::time::sleep(args.span()).await;
    let within = |starts: Vec<_>| {
        starts
            .iter()
            .filter(|at: &&crate::task::Moment| at.since(first) <= args.span())
            .count()
    };
    let starts = within(clocked.of(false)) + within(clocked.of(true));
    stage.clear().await;
    Ok(starts as f64 / f64::from(args.seconds))
}

fn text(of: &Rates) -> String {
    let kept = of.kept.iter().map(|kept| {
        let going = match kept.replaced {
            0 => String::new(),
            n => format!(", {n} replaced"),
        };
        let value = format!(
            "{:.1} % used, {:.2} owed of {}",
            100.0 * kept.used,
            kept.most_owed,
            kept.burst
        );
        [format!("{} workers{going}", kept.workers), value]
    });
    let each: Vec<String> = of.ratios.iter().map(|ratio| format!("{ratio:.3}")).collect();
    let pairs = [
        [
            "ready alone, starts/s".to_owned(),
            format!("{:.0}", of.alone_per_s),
        ],
        [
            "with a limited one, starts/s of both".to_owned(),
            format!("{:.0}", of.beside_per_s),
        ],
        ["ratio, each pair".to_owned(), each.join(" ")],
    ];
    table(["figure", "value"], kept.chain(pairs))
}
