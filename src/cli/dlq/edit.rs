//! `dlq edit`: changes a dead letter before it is put back to work.

use anyhow::Context;
use serde_json::{Value, json};

use super::show::no_letter;
use crate::broker::publish::Original;
use crate::broker::shelf::{Kept, Shelf};
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::task::{ModelName, TaskId};
use crate::wire::header::CONTENT_TYPE;
use crate::wire::{Codec, Report, body_value};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Which task
    task_id: TaskId,
    #[command(flatten)]
    change: Change,
}

#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct Change {
    /// The new input: JSON, else text; @FILE reads it from a file, - from stdin
    #[arg(long, value_name = "INPUT")]
    input: Option<String>,
    /// The new model
    #[arg(long, value_name = "NAME", value_parser = ModelName::new)]
    model: Option<ModelName>,
    /// The new time limit of one execution
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    timeout_ms: Option<u64>,
    /// The new bound on executions that may fail
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: Option<u32>,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let (id, change) = (&args.task_id, &args.change);
    let input = change.input.as_deref().map(read).transpose()?;
    let broker = session.connect().await?;
    let Some(letter) = broker.kept(Shelf::Dead, id).await? else {
        return Err(no_letter(id).into());
    };
    let Ok((report, _)) = &letter.read else {
        return Err(Stop::refused(format!(
            "the dead letter of {id} cannot be read, so it cannot be edited; `fairlane dlq show {id}` prints it"
        ))
        .into());
    };
    let (report, original) = changed(change, input, report, &letter)?;
    let sequence = broker.rewrite(&letter, &report, &original).await?;
    let shown = json!({"task_id": id.as_str(), "sequence": sequence});
    session.output.show(&shown, |_| {
        let next = format!("fairlane dlq replay {id}");
        table(
            ["field", "value"],
            [
                ["task id".to_owned(), id.to_string()],
                ["to try it".to_owned(), next],
            ],
        )
    })?;
    Ok(Exit::Ok)
}

fn read(input: &str) -> anyhow::Result<Value> {
    let text = match input.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|error| Stop::usage(format!("--input: cannot read {file}: {error}")))?,
        None if input == "-" => std::io::read_to_string(std::io::stdin()).context("cannot read stdin")?,
        None => input.to_owned(),
    };
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The report and the body with the change in both: workers read the headers, handlers may read the body.
fn changed(
    change: &Change,
    input: Option<Value>,
    report: &Report,
    letter: &Kept,
) -> Result<(Report, Original), Stop> {
    let (original, mut report) = (&letter.original, report.clone());
    let read = body_value(original.header(CONTENT_TYPE), &original.body);
    let Some(Value::Object(mut body)) = read else {
        return Err(Stop::refused(
            "its body is no object, so there is nothing in it to change; submit a new task instead",
        ));
    };
    if let Some(input) = input {
        body.insert("input".to_owned(), input);
    }
    if let Some(model) = &change.model {
        body.insert("model".to_owned(), json!(model.as_str()));
        report.task.model = model.clone();
    }
    if let Some(ms) = change.timeout_ms {
        body.insert("timeout_ms".to_owned(), json!(ms));
        report.task.facts.timeout_ms = Some(ms);
    }
    if let Some(max) = change.max_attempts {
        body.insert("max_attempts".to_owned(), json!(max));
        report.task.facts.max_attempts = Some(max);
    }
    let bytes = Value::Object(body).to_string().into_bytes();
    Ok((report, original.rewritten(bytes.into(), Codec::Json)))
}
