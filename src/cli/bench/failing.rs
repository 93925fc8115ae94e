//! `bench failing`: does a class whose tasks all fail slow another one?

use super::stage::{Stage, progress};
use crate::bench::{Failing, HalfBroken, failing_policy, publish_class};
use crate::broker::floor::Tally;
use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::clock;

/// Slots of the one worker: few enough that they, not the machine, are the limit.
const SLOTS: u32 = 8;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Tasks that work, in each run
    #[arg(long, default_value_t = 8_000, value_name = "N", value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    tasks: u32,
    /// Tasks that fail, again and again
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    failing: u32,
    /// Pairs of runs, alone and beside
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let bar = progress(2 * u64::from(args.pairs));
    let mut pairs = Vec::new();
    for pair in 1..=args.pairs {
        bar.set_message(format!("pair {pair} of {}: alone", args.pairs));
        let alone = once(args, session, 0).await?;
        bar.inc(1);
        bar.set_message(format!("pair {pair} of {}: beside", args.pairs));
        let beside = once(args, session, args.failing as usize).await?;
        bar.inc(1);
        pairs.push((alone, beside));
    }
    bar.finish_and_clear();
    let summary = Failing::of(&pairs, args.tasks as usize, args.failing as usize);
    session.output.line(&summary, text)?;
    Ok(Exit::Ok)
}

/// Tasks per second of the class that works, with so many that fail beside it.
async fn once(args: &Args, session: &Session, failing: usize) -> anyhow::Result<f64> {
    let (policy, tasks) = (failing_policy()?, args.tasks as usize);
    let stage = Stage::set(session, &policy).await?;
    let broker = &stage.mesh.broker;
    publish_class(broker, &policy, "fails", failing).await?;
    publish_class(broker, &policy, "works", tasks).await?;
    let tally = Tally::new(tasks);
    let began = clock::monotonic();
    stage
        .work(SLOTS, std::sync::Arc::new(HalfBroken(tally.clone())))
        .await?;
    tally.wait().await;
    let took = clock::monotonic().since(began);
    stage.clear().await;
    Ok(tasks as f64 / took.as_secs_f64())
}

fn text(of: &Failing) -> String {
    let each: Vec<String> = of.ratios.iter().map(|ratio| format!("{ratio:.3}")).collect();
    table(
        ["figure", "value"],
        [
            ["alone, tasks/s".to_owned(), format!("{:.0}", of.alone_per_s)],
            [
                format!("beside {} that fail, tasks/s", of.failing),
                format!("{:.0}", of.beside_per_s),
            ],
            ["ratio, median".to_owned(), format!("{:.3}", of.ratio)],
            ["ratio, each pair".to_owned(), each.join(" ")],
        ],
    )
}
