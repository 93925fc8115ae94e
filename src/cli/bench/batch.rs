//! `bench batch`: what does it bring that tasks share the runs of a model?

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::stage::{Stage, progress};
use crate::bench::{Batch, Counted, batch_policy, publish_texts};
use crate::cli::demo::sentences;
use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::role::process::THIS_PROGRAM;
use crate::cli::session::Session;
use crate::clock;
use crate::config::Raw;
use crate::executor::{Executors, Host};
use crate::lifecycle::Lifecycle;

/// How long the model may take to end.
const GRACE: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(super) struct Args {
    /// Sentences to embed in each run
    #[arg(long, default_value_t = 640, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tasks: u32,
    /// Pairs of runs, one task in a run of the model and many
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
    /// Slots of the one worker: tasks at once
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    slots: u32,
    /// Most tasks in a run of the model
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=4096))]
    size_max: u32,
    /// Folder of model files [env: FAIRLANE_MODEL_DIR]
    #[arg(long, value_name = "DIR")]
    model_dir: Option<String>,
}

impl Args {
    pub(super) fn fill(&self, raw: &mut Raw) {
        raw.model_dir.clone_from(&self.model_dir);
    }
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let bar = progress(2 * u64::from(args.pairs));
    let mut pairs = Vec::new();
    for pair in 1..=args.pairs {
        bar.set_message(format!("pair {pair} of {}: one task in a run", args.pairs));
        let one = once(args, session, 1).await?;
        bar.inc(1);
        bar.set_message(format!("pair {pair} of {}: up to {}", args.pairs, args.size_max));
        let many = once(args, session, args.size_max).await?;
        bar.inc(1);
        pairs.push((one, many));
    }
    bar.finish_and_clear();
    let summary = Batch::of(&pairs, args.size_max, args.slots, args.tasks as usize);
    session.output.line(&summary, text)?;
    Ok(Exit::Ok)
}

/// Embeddings per second with so many tasks in a run at most.
async fn once(args: &Args, session: &Session, size_max: u32) -> anyhow::Result<f64> {
    let policy = batch_policy(size_max)?;
    let lifecycle = Lifecycle::new();
    let host = Host {
        model_dir: session.settings.model_dir.clone(),
        slots: args.slots,
        program: PathBuf::from(THIS_PROGRAM),
        lifecycle: lifecycle.clone(),
    };
    let executors = Executors::for_policy(&policy, host).await?;
    let model = &policy.models[0].name;
    let executor = executors.get(&model.token()).context("no executor")?;
    drop(executors);

    let tasks = args.tasks as usize;
    let sentences = sentences();
    let texts: Vec<&str> = sentences.iter().map(|s| s.text).cycle().take(tasks).collect();
    let stage = Stage::set(session, &policy).await?;
    publish_texts(&stage.mesh.broker, &policy, &texts).await?;
    let counted = Counted::new(executor, tasks);
    let began = clock::monotonic();
    stage.work(args.slots, counted.clone()).await?;
    let failed = counted.all().await;
    let took = clock::monotonic().since(began);
    stage.clear().await;
    drop(counted);
    lifecycle.stop(GRACE).await;
    ensure!(failed == 0, "{failed} of {tasks} tasks failed: the log says why");
    Ok(tasks as f64 / took.as_secs_f64())
}

fn text(of: &Batch) -> String {
    let each: Vec<String> = of.ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    table(
        ["figure", "value"],
        [
            [
                "one task in a run, tasks/s".to_owned(),
                format!("{:.1}", of.batch1_per_s),
            ],
            [
                format!("up to {} in a run, tasks/s", of.size_max),
                format!("{:.1}", of.batched_per_s),
            ],
            ["ratio, median".to_owned(), format!("{:.2}", of.ratio)],
            ["ratio, each pair".to_owned(), each.join(" ")],
            ["slots".to_owned(), of.slots.to_string()],
        ],
    )
}
