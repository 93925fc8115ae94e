//! `policy validate`: every fault of a document, each with its place.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use serde_json::{Value, json};

use super::exit::Exit;
use super::session::Session;
use crate::config::{Faults, parse_policy};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a document and print every fault of it
    Validate {
        /// The policy, in YAML
        file: PathBuf,
    },
}

pub(super) fn run(args: Args, session: &Session) -> anyhow::Result<Exit> {
    match args.command {
        Command::Validate { file } => validate(&file, session),
    }
}

/// The verdict is the data, so faults go to stdout as well.
fn validate(file: &Path, session: &Session) -> anyhow::Result<Exit> {
    let name = file.display().to_string();
    let yaml = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let verdict = parse_policy(&name, &yaml).map(|_| ());
    session
        .output
        .show(&as_json(&name, &verdict), |_| as_text(&name, &verdict))?;
    Ok(if verdict.is_ok() { Exit::Ok } else { Exit::Error })
}

fn as_text(name: &str, verdict: &Result<(), Faults>) -> String {
    match verdict {
        Ok(()) => format!("{name}: valid"),
        Err(faults) => faults.to_string(),
    }
}

fn as_json(name: &str, verdict: &Result<(), Faults>) -> Value {
    let faults = verdict.as_ref().err().map_or(&[][..], |faults| &faults.faults);
    let faults: Vec<Value> = faults
        .iter()
        .map(|f| json!({"path": f.path, "line": f.line, "column": f.column, "what": f.what}))
        .collect();
    json!({"file": name, "valid": verdict.is_ok(), "faults": faults})
}
