//! `bench tenants`: what does a tenant that floods a class cost the others in it?

use super::stage::{Stage, progress};
use crate::bench::{
    Pace, Paced, TENANT_SLOTS, TENANTS_WARM_UP, Tenants, light_p99_ms, lights, tenants_policy,
};
use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::config::LivePolicy;
use crate::gateway::Backlogs;
use crate::policy::Policy;

#[derive(clap::Args)]
pub(super) struct Args {
    /// What the heavy tenant publishes, over its part of the slots
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    times: u32,
    /// How long each run lasts
    #[arg(long, default_value_t = 6, value_name = "S", value_parser = clap::value_parser!(u32).range(2..=600))]
    seconds: u32,
    /// Pairs of runs, without and with the heavy tenant
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
    /// Every task takes 20 ms, in place of 10 to 30
    #[arg(long)]
    even: bool,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let bar = progress(2 * u64::from(args.pairs));
    let mut pairs = Vec::new();
    for pair in 1..=args.pairs {
        bar.set_message(format!("pair {pair} of {}: alone", args.pairs));
        let alone = once(args, session, 0).await?;
        bar.inc(1);
        bar.set_message(format!("pair {pair} of {}: beside the heavy one", args.pairs));
        let beside = once(args, session, args.times).await?;
        bar.inc(1);
        pairs.push((alone, beside));
    }
    bar.finish_and_clear();
    session.output.line(&Tenants::of(&pairs, args.times), text)?;
    Ok(Exit::Ok)
}

async fn once(args: &Args, session: &Session, times: u32) -> anyhow::Result<f64> {
    let policy = tenants_policy()?;
    let stage = Stage::set(session, &policy).await?;
    let paced = Paced::new(Pace::of_flag(args.even), lights(args.seconds), TENANTS_WARM_UP)?;
    stage.work(TENANT_SLOTS, paced.clone()).await?;
    let broker = &stage.mesh.broker;
    let backlogs = Backlogs::follow(
        broker,
        &LivePolicy::fixed(Policy::clone(&policy)),
        stage.lifecycle(),
    );
    let p99_ms = light_p99_ms(broker, &policy, &backlogs, &paced, args.seconds, times).await?;
    stage.clear().await;
    Ok(p99_ms)
}

fn text(of: &Tenants) -> String {
    let each: Vec<String> = of.ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    table(
        ["figure", "value"],
        [
            [
                "light tenants' p99, alone".to_owned(),
                format!("{:.1} ms", of.light_p99_alone_ms),
            ],
            [
                format!("beside one at {} times its part", of.times),
                format!("{:.1} ms", of.light_p99_ms),
            ],
            ["ratio, median".to_owned(), format!("{:.2}", of.ratio)],
            ["ratio, each pair".to_owned(), each.join(" ")],
        ],
    )
}
