//! `policy get` and `policy history`, and what `policy apply --dry-run` says.

use serde_json::json;

use super::apply::{stop, version};
use super::read::lines;
use crate::broker::Broker;
use crate::broker::WriteError;
use crate::broker::records::RecordError;
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::{one_line, table};
use crate::cli::session::Session;
use crate::config::{differences, parse_policy};
use crate::gateway::{Applying, Past, document_of, history as read_history};
use crate::policy::PolicyVersion;

#[derive(clap::Args)]
pub(super) struct GetArgs {
    /// The version; without it, the one that holds
    #[arg(value_name = "VERSION", value_parser = version)]
    of: Option<PolicyVersion>,
}

/// The document alone goes to stdout, so that it can be edited and applied again.
pub(super) async fn get(args: &GetArgs, session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let Some((stored, past)) = document_of(&broker, args.of).await.map_err(stop)? else {
        return Err(none_stored().into());
    };
    let data = json!({"policy": past, "document": stored.document});
    session
        .output
        .show(&data, |_| stored.document.trim_end().to_owned())?;
    Ok(Exit::Ok)
}

pub(super) async fn history(session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let past = read_history(&broker).await?;
    session.output.show(&past, |past| as_text(past))?;
    Ok(Exit::Ok)
}

fn as_text(past: &[Past]) -> String {
    if past.is_empty() {
        return "no policy was applied; every process acts on what it was started with".to_owned();
    }
    let row = |past: &Past| {
        let number = format!("{}{}", past.version, if past.holds { " *" } else { "" });
        let what = match (&past.unreadable, past.restores) {
            (Some(why), _) => format!("({why})"),
            (None, Some(restored)) => format!("{} (brings back {restored})", past.message),
            (None, None) => past.message.clone(),
        };
        [number, past.at.clone(), one_line(&past.author), one_line(&what)]
    };
    let rows = table(["VERSION", "APPLIED", "BY", "MESSAGE"], past.iter().map(row));
    format!("{rows}\n* holds")
}

/// Says what applying would change.
pub(super) async fn would_change(broker: &Broker, of: &Applying, session: &Session) -> anyhow::Result<Exit> {
    parse_policy(&of.name, &of.document)?;
    let standing = document_of(broker, None).await.map_err(stop)?;
    let holds = standing.as_ref().map_or(0, |(stored, _)| stored.version.0);
    if let Some(expected) = of.expected.filter(|expected| expected.0 != holds) {
        let outdated = crate::gateway::ApplyError::Outdated {
            expected,
            stands: PolicyVersion(holds),
        };
        return Err(stop(outdated));
    }
    let changed = standing
        .as_ref()
        .is_none_or(|(stored, _)| stored.document != of.document);
    let changes = match &standing {
        Some((stored, _)) => differences(&stored.document, &of.document)?,
        None => Vec::new(),
    };
    let data = json!({"valid": true, "holds": holds, "would_change": changed, "changes": changes});
    session.output.show(&data, |_| match changed {
        true if !changes.is_empty() => {
            let name = &of.name;
            format!(
                "{name}: valid; on top of {holds} it would change this:\n{}",
                lines(&changes)
            )
        }
        true if holds == 0 => format!("{}: valid; it would be the first that is applied", of.name),
        true => format!("{}: valid; it would be applied on top of {holds}", of.name),
        false => format!("{}: valid; policy {holds} says the same already", of.name),
    })?;
    Ok(Exit::Ok)
}

pub(super) fn none_stored() -> Stop {
    Stop::not_found(
        "no policy was applied: every process acts on what it was started with; `fairlane policy apply FILE` makes one hold",
    )
}

/// A record that could not be read or written, as commands tell it.
pub(super) fn unreachable(error: RecordError) -> anyhow::Error {
    match error {
        RecordError::Write(error) => WriteError::Publish(error).into(),
        RecordError::Read(error) => error.into(),
    }
}
