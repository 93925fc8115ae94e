//! `task result`: the answer, or why there is none.

use serde_json::Value;

use super::record;
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::{Format, one_line};
use crate::cli::session::Session;
use crate::task::{State, TaskId};

#[derive(clap::Args)]
#[command(after_help = "Prints the output alone, text as it is; --json prints the whole record.")]
pub(super) struct Args {
    /// Which task
    task_id: TaskId,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let id = &args.task_id;
    let broker = session.connect().await?;
    let Some(found) = broker.result(id).await? else {
        return Err(Stop::not_found(format!(
            "task {id} has no result; wait for one with `fairlane task wait {id}`"
        ))
        .into());
    };
    let r = &found.record;
    if r.state != State::Completed && session.output.format == Format::Table {
        let why = r.error.as_ref();
        let why = why.map_or_else(
            || "no error is recorded".to_owned(),
            |e| one_line(&format!("{}: {}", e.kind, e.message)),
        );
        anyhow::bail!("task {id} is {}, not completed: {why}", r.state);
    }
    session.output.show(&record::whole(&found), |_| match &r.output {
        Value::String(text) => text.clone(),
        other => format!("{other:#}"),
    })?;
    Ok(record::exit(&found))
}
