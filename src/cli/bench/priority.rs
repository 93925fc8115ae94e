//! `bench priority`: does a flood of the normal lane slow the core lane?

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::stage::{Stage, progress};
use crate::bench::{Pace, Paced, Priority, PriorityRun, capacity_per_s, flood, priority_policy, urgent};
use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::session::Session;

/// How long a flood goes on before the core lane is measured, so that every slot is taken and tasks wait.
const FLOODED_FOR: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(super) struct Args {
    /// Tasks of the core lane, in each run
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    tasks: u32,
    /// Slots of the one worker
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    slots: u32,
    /// Slots that the flood may take [default: all, so that nothing but the scheduler is in its way]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    bulk_slots: Option<u32>,
    /// Pairs of runs, without a flood and with one
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
    /// Every task takes 20 ms, in place of 10 to 30
    #[arg(long)]
    even: bool,
}

impl Args {
    fn bulk_slots(&self) -> u32 {
        self.bulk_slots.unwrap_or(self.slots)
    }
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let bar = progress(2 * u64::from(args.pairs));
    let mut pairs = Vec::new();
    for pair in 1..=args.pairs {
        bar.set_message(format!("pair {pair} of {}: calm", args.pairs));
        let calm = once(args, session, pair, false).await?;
        bar.inc(1);
        bar.set_message(format!("pair {pair} of {}: flooded", args.pairs));
        let flooded = once(args, session, pair, true).await?;
        bar.inc(1);
        pairs.push((calm, flooded));
    }
    bar.finish_and_clear();
    let summary = Priority::of(&pairs, (args.slots, args.bulk_slots()), args.tasks as usize);
    session.output.line(&summary, text)?;
    Ok(Exit::Ok)
}

async fn once(args: &Args, session: &Session, pair: u32, is_flooded: bool) -> anyhow::Result<PriorityRun> {
    let (policy, tasks) = (priority_policy(args.bulk_slots())?, args.tasks as usize);
    let stage = Stage::set(session, &policy).await?;
    let broker = &stage.mesh.broker;
    let paced = Paced::new(Pace::of_flag(args.even), tasks, Duration::ZERO)?;
    stage.work(args.slots, paced.clone()).await?;
    let over = CancellationToken::new();
    let measured = async {
        if is_flooded {
            tokio::time::sleep(FLOODED_FOR).await;
        }
        let published = urgent(broker, &policy, args.slots, &paced, tasks, u64::from(pair)).await;
        if published.is_ok() {
            paced.noted.wait().await;
        }
        over.cancel();
        published
    };
    let flooded = async {
        match is_flooded {
            true => flood(broker, &policy, args.slots, &over).await,
            false => Ok(0.0),
        }
    };
    let (measured, flooded) = tokio::join!(measured, flooded);
    stage.clear().await;
    measured?;
    Ok(PriorityRun {
        p99_ms: paced.p99_ms(),
        flood_times: flooded? / capacity_per_s(args.slots),
        bulk: paced.others(),
    })
}

fn text(of: &Priority) -> String {
    let each: Vec<String> = of.ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    let rows = [
        ("core, p99", format!("{:.1} ms", of.core_p99_unflooded_ms)),
        (
            "core beside a flooded normal lane, p99",
            format!("{:.1} ms", of.core_p99_ms),
        ),
        ("ratio, median", format!("{:.2}", of.ratio)),
        ("ratio, each pair", each.join(" ")),
        (
            "flood, times what all slots can do",
            format!("{:.1}", of.flood_times),
        ),
        ("tasks of the normal lane done", format!("{:.0}", of.bulk)),
        ("slots", of.slots.to_string()),
        ("slots that the flood may take", of.bulk_slots.to_string()),
        ("tasks of the core lane", of.tasks.to_string()),
    ];
    table(
        ["figure", "value"],
        rows.map(|(name, value)| [name.to_owned(), value]),
    )
}
