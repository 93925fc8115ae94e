//! `policy validate`: every fault of a document, each with its place.

use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::config::{Faults, parse_policy};

/// The verdict is the data, so faults go to stdout as well.
pub(super) fn run(file: &Path, session: &Session) -> anyhow::Result<Exit> {
    let (name, yaml) = read(file)?;
    let verdict = parse_policy(&name, &yaml).map(|_| ());
    session
        .output
        .show(&as_json(&name, &verdict), |_| as_text(&name, &verdict))?;
    Ok(if verdict.is_ok() { Exit::Ok } else { Exit::Error })
}

/// A document and what it is called; `-` is stdin.
pub(super) fn read(file: &Path) -> anyhow::Result<(String, String)> {
    if file == Path::new("-") {
        let yaml = std::io::read_to_string(std::io::stdin()).context("cannot read stdin")?;
        return Ok(("stdin".to_owned(), yaml));
    }
    let name = file.display().to_string();
    let yaml = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    Ok((name, yaml))
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
