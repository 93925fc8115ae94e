//! `streams`: what must exist at the server, what does, and making them the same.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use serde_json::{Value, json};

use super::exit::Exit;
use super::output::table;
use super::session::Session;
use crate::broker::topology::{self, Change, Extras, FieldChange, Plan, Step, StreamSpec};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show what apply would do
    Plan {
        /// Exit with 1 when there is anything to do
        #[arg(long)]
        check: bool,
    },
    /// Create and update streams until the server has what this version needs
    ///
    /// Exits with 3, having changed nothing, when a live stream would have to become what it cannot.
    Apply {
        /// Also delete FL_ streams that this version does not know, if they are empty
        #[arg(long)]
        prune: bool,
    },
    /// Print what the server has, in the form of the files in streams/
    Export {
        /// Write one file per stream into this folder instead
        dir: Option<PathBuf>,
    },
}

pub(super) async fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let actual = topology::export(&broker).await?;
    match args.command {
        Command::Plan { check } => {
            let plan = topology::plan(&topology::desired(), &actual);
            session.output.show(&plan_json(&plan), |_| plan_text(&plan))?;
            Ok(if check && !plan.is_settled() {
                Exit::Error
            } else {
                Exit::Ok
            })
        }
        Command::Apply { prune } => {
            let plan = topology::plan(&topology::desired(), &actual);
            let extras = if prune { Extras::Prune } else { Extras::Keep };
            let steps = topology::apply(&broker, &plan, extras).await?;
            session.output.show(&steps_json(&steps), |_| steps_text(&steps))?;
            Ok(Exit::Ok)
        }
        Command::Export { dir: None } => {
            let configs: Vec<_> = actual.iter().map(StreamSpec::config).collect();
            session
                .output
                .show(&configs, |configs| format!("{:#}", json!(configs)))?;
            Ok(Exit::Ok)
        }
        Command::Export { dir: Some(dir) } => {
            let files = write_files(&dir, &actual)?;
            session
                .output
                .show(&json!({"files": files}), |_| files.join("\n"))?;
            Ok(Exit::Ok)
        }
    }
}

fn write_files(dir: &Path, streams: &[StreamSpec]) -> anyhow::Result<Vec<String>> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    streams
        .iter()
        .map(|spec| {
            let path = dir.join(format!("{}.json", spec.name()));
            let name = path.display().to_string();
            std::fs::write(&path, format!("{spec}\n")).with_context(|| format!("cannot write {name}"))?;
            Ok(name)
        })
        .collect()
}

fn plan_text(plan: &Plan) -> String {
    let rows = plan.entries.iter().map(|entry| {
        let (word, fields) = describe(&entry.change);
        let fields = fields
            .iter()
            .map(|f| format!("{}: {} -> {}", f.field, f.from, f.to));
        [
            entry.stream.clone(),
            word.to_owned(),
            fields.collect::<Vec<_>>().join("\n"),
        ]
    });
    table(["stream", "change", "fields"], rows)
}

fn plan_json(plan: &Plan) -> Value {
    let entries = plan.entries.iter().map(|entry| {
        let (word, fields) = describe(&entry.change);
        let fields = fields
            .iter()
            .map(|f| json!({"field": f.field, "from": f.from, "to": f.to}));
        json!({"stream": entry.stream, "change": word, "fields": fields.collect::<Vec<_>>()})
    });
    json!({"settled": plan.is_settled(), "streams": entries.collect::<Vec<_>>()})
}

fn describe(change: &Change) -> (&'static str, &[FieldChange]) {
    match change {
        Change::Unchanged => ("unchanged", &[]),
        Change::Create { .. } => ("create", &[]),
        Change::Update { fields, .. } => ("update", fields),
        Change::Immutable { fields } => ("immutable", fields),
        Change::Extra => ("extra", &[]),
    }
}

fn steps_text(steps: &[Step]) -> String {
    if steps.is_empty() {
        return "nothing to do".to_owned();
    }
    let lines: Vec<String> = steps
        .iter()
        .map(|step| format!("{} {}", step.word(), step.stream()))
        .collect();
    lines.join("\n")
}

fn steps_json(steps: &[Step]) -> Value {
    let steps = steps
        .iter()
        .map(|step| json!({"stream": step.stream(), "done": step.word()}));
    json!({"steps": steps.collect::<Vec<_>>()})
}
