//! `bench cancel`: how soon is a slot free whose task was cancelled?

use std::sync::Arc;

use super::stage::Stage;
use crate::bench::{Freed, Holds, Workload, cancel};
use crate::cli::exit::Exit;
use crate::cli::output::table;
use crate::cli::session::Session;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Tasks that are cancelled, one after the other
    #[arg(long, default_value_t = 1_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tasks: u32,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let policy = Workload::new(1)?.policy;
    let stage = Stage::set(session, &policy).await?;
    let (executor, mut starts) = Holds::new();
    let holds: Arc<Holds> = executor;
    stage.work(1, holds).await?;
    let freed = cancel(&stage.mesh.broker, &policy, &mut starts, args.tasks as usize).await;
    stage.clear().await;
    session.output.line(&freed?, text)?;
    Ok(Exit::Ok)
}

fn text(of: &Freed) -> String {
    let us = |us: u64| format!("{us} µs");
    table(
        ["figure", "p50", "p99"],
        [
            ["ended".to_owned(), us(of.ended_us_p50), us(of.ended_us_p99)],
            [
                "slot free again".to_owned(),
                us(of.free_us_p50),
                us(of.free_us_p99),
            ],
        ],
    )
}
