//! `policy explain`, `policy diff` and `policy schema`: documents in words.

use std::path::Path;

use super::apply::stop;
use super::validate::read;
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::{one_line, table};
use crate::cli::session::Session;
use crate::config::{DEFAULT_POLICY_YAML, Difference, Effective, differences, explain, policy_schema};
use crate::gateway::document_of;
use crate::policy::PolicyVersion;

/// A document as it is named on the command line.
pub(super) const WHICH: &str = "A version of `policy history`, `current` for the one that holds, `default` for the built-in one, or a file";

#[derive(clap::Args)]
pub(super) struct ExplainArgs {
    #[arg(value_name = "POLICY", default_value = "current", help = WHICH)]
    policy: String,
    /// Only options whose path begins so, such as classes.payment_processing
    #[arg(long, value_name = "PATH")]
    under: Option<String>,
}

#[derive(clap::Args)]
pub(super) struct DiffArgs {
    #[arg(value_name = "FROM", help = WHICH)]
    from: String,
    #[arg(value_name = "TO", help = WHICH)]
    to: String,
    /// Exit with 1 where anything differs
    #[arg(long)]
    exit_code: bool,
}

/// Every option with the value that counts, and where that comes from.
pub(super) async fn run_explain(args: &ExplainArgs, session: &Session) -> anyhow::Result<Exit> {
    let (name, document) = document(&args.policy, session).await?;
    let mut told = explain(&name, &document)?;
    if let Some(under) = &args.under {
        told.retain(|option| {
            option
                .path
                .strip_prefix(under.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        if told.is_empty() {
            return Err(
                Stop::not_found(format!("no option of {name} is called {under} or lies under it")).into(),
            );
        }
    }
    session.output.show(&told, |told| {
        let row = |option: &Effective| {
            [
                option.path.clone(),
                one_line(&option.value_in_words()),
                option.origin.to_string(),
                option.what.to_owned(),
            ]
        };
        table(["OPTION", "VALUE", "FROM", "WHAT IT IS"], told.iter().map(row))
    })?;
    Ok(Exit::Ok)
}

/// What changes from one document to another.
pub(super) async fn run_diff(args: &DiffArgs, session: &Session) -> anyhow::Result<Exit> {
    let (from_name, from) = document(&args.from, session).await?;
    let (to_name, to) = document(&args.to, session).await?;
    let changes = differences(&from, &to)?;
    session
        .output
        .show(&changes, |changes| match changes.is_empty() {
            true => format!("{from_name} and {to_name} do the same"),
            false => lines(changes),
        })?;
    Ok(match args.exit_code && !changes.is_empty() {
        true => Exit::Error,
        false => Exit::Ok,
    })
}

pub(super) fn lines(changes: &[Difference]) -> String {
    let lines: Vec<&str> = changes.iter().map(|change| change.words.as_str()).collect();
    lines.join("\n")
}

/// The JSON Schema of policy documents.
pub(super) fn run_schema(session: &Session) -> anyhow::Result<Exit> {
    let schema = policy_schema();
    session.output.text(&serde_json::to_string_pretty(&schema)?)?;
    Ok(Exit::Ok)
}

/// Whether a document lies at the server.
pub(super) fn needs_server(which: &str) -> bool {
    which == "current" || which.parse::<u64>().is_ok()
}

/// A document and what it is called.
pub(super) async fn document(which: &str, session: &Session) -> anyhow::Result<(String, String)> {
    let version = match which {
        "default" => return Ok(("default".to_owned(), DEFAULT_POLICY_YAML.to_owned())),
        "current" => None,
        text => match text.parse() {
            Ok(number) => Some(PolicyVersion(number)),
            Err(_) => return read(Path::new(text)),
        },
    };
    let broker = session.connect().await?;
    let stored = document_of(&broker, version).await.map_err(stop)?;
    match stored {
        Some((stored, _)) => Ok((format!("policy {}", stored.version), stored.document)),
        None => Err(super::show::none_stored().into()),
    }
}
