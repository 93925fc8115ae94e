//! `policy ab`: two policies side by side, and by how much they differ.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use serde_json::Value;

use super::apply::{Note, stop};
use super::rollout::SETTLING;
use crate::broker::Broker;
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::gateway::{
    ApplyError, Comparing, Handle, ShownComparison, TrialStatus, Trying, begin_trial, handle_trial,
    trial_status,
};
use crate::policy::compare::Figure;
use crate::policy::rollout::{Share, read_label, read_lot_by, read_share};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    begin: Begin,
}

#[derive(clap::Args)]
struct Begin {
    /// The policy to compare with the one that holds, in YAML; - for stdin
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// Its part of the tasks, and of the workers; at 50% least time is needed
    #[arg(long, value_name = "PERCENT", default_value = "50%", value_parser = read_share)]
    share: Share,
    /// How long, such as 30m; without it, until `stop`
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    lasts: Option<Duration>,
    /// Whose lot decides: each task goes by itself, or all tasks of a tenant together
    #[arg(long, value_name = "WHO", default_value = "task", value_parser = ["task", "tenant"])]
    by: String,
    /// Workers that serve it: those with this label; without it, as many as its part asks for, at least one
    #[arg(long, value_name = "KEY=VALUE", value_parser = read_label)]
    label: Option<(String, String)>,
    #[command(flatten)]
    note: Note,
}

#[derive(Subcommand)]
enum Command {
    /// By how much both differ, and how sure that is: of the comparison under way or the last one
    Status,
    /// End it and print the same; the policy before stays
    Stop,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let (command, file) = (&args.command, &args.begin.file);
    if let (None, Some(file)) = (command, file) {
        return start(file, &args.begin, session).await;
    }
    let Some(command) = command else {
        return Err(Stop::usage("give a FILE to compare, or one of status, stop").into());
    };
    let broker = session.connect().await?;
    let status = trial_status(&broker).await.map_err(stop)?;
    let status = match command {
        Command::Status => status,
        Command::Stop => end(&broker, &status).await?,
    };
    session.output.show(&status, as_text)?;
    Ok(Exit::Ok)
}

/// Ends the comparison that was seen, and none that began since.
async fn end(broker: &Broker, seen: &TrialStatus) -> anyhow::Result<TrialStatus> {
    let trial = seen.trial.as_ref().ok_or_else(|| stop(ApplyError::NoTrial))?;
    if trial.comparison.is_none() {
        let what = "a rollout is on trial, no comparison; `fairlane policy rollout abort` ends it";
        return Err(Stop::refused(what).into());
    }
    let who = super::apply::user();
    handle_trial(broker, Handle::Abort, &who, Some(trial.place()))
        .await
        .map_err(stop)
}

async fn start(file: &Path, begin: &Begin, session: &Session) -> anyhow::Result<Exit> {
    if begin.share == Share::WHOLE {
        return Err(Stop::usage(
            "--share: with all tasks there is nothing to compare with; give less than 100%",
        )
        .into());
    }
    let for_ms = begin
        .lasts
        .map(|lasts| u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX));
    let trying = Trying {
        applying: begin.note.applying(file)?,
        shares: vec![begin.share],
        by: read_lot_by(&begin.by)?,
        label: begin.label.clone(),
        compare: Some(Comparing { for_ms }),
    };
    let broker = session.connect().await?;
    begin_trial(&broker, &trying).await.map_err(stop)?;
    let status = trial_status(&broker).await.map_err(stop)?;
    session.output.show(&status, as_text)?;
    Ok(Exit::Ok)
}

/// Whether something is on trial that is no comparison.
fn is_rollout(status: &TrialStatus) -> bool {
    let trial = status.trial.as_ref();
    trial.is_some_and(|trial| trial.comparison.is_none())
}

fn as_text(status: &TrialStatus) -> String {
    let mut told = Vec::new();
    match &status.trial {
        Some(trial) => {
            let until = match &trial.comparison {
                None => " for a rollout, not for a comparison".to_owned(),
                Some(ShownComparison { until: None }) => ", until `fairlane policy ab stop`".to_owned(),
                Some(ShownComparison { until: Some(until) }) => format!(", until {until}"),
            };
            told.push(format!(
                "policy {} (B) has {} % of all tasks beside {} (A) since {}{until}; {} worker(s) serve it",
                trial.candidate,
                trial.share * 100.0,
                status.stable,
                trial.since,
                trial.workers.len()
            ));
            if let Some(slots) = trial.slots.filter(|slots| !slots.are_fair(trial.share)) {
                told.push(format!(
                    "note: B has {} of {} slots for {} % of the tasks, which alone makes both differ; give it as large a part by \
                     --label or --share",
                    slots.canary,
                    slots.all,
                    trial.share * 100.0
                ));
            }
        }
        None => told.push(format!(
            "policy {} holds, and none is compared with it",
            status.stable
        )),
    }
    if status.trial.is_some() && status.seen.as_ref().is_some_and(|seen| seen["settling"] == true) {
        told.push(SETTLING.to_owned());
    }
    let comparison = status.seen.as_ref().map(|seen| &seen["comparison"]);
    match comparison.filter(|comparison| comparison.is_object()) {
        Some(comparison) => told.extend(shown(comparison)),
        None if is_rollout(status) => {
            told.push("`fairlane policy rollout status` tells what was seen".to_owned())
        }
        None if status.trial.is_some() => told.push("nothing was seen yet".to_owned()),
        None => (),
    }
    if let Some(last) = status.last.as_ref().filter(|_| status.trial.is_none()) {
        told.push(format!(
            "the last trial, of {}, ended at {}: {}: {}",
            last.candidate, last.at, last.ending, last.why
        ));
    }
    told.join("\n")
}

fn shown(comparison: &Value) -> Vec<String> {
    let contrasts = comparison["contrasts"].as_array();
    let rows: Vec<[String; 7]> = contrasts.into_iter().flatten().filter_map(row).collect();
    let words = comparison["words"].as_str().unwrap_or_default().to_owned();
    if rows.is_empty() {
        return vec![words];
    }
    let head = ["figure", "class", "a", "b", "difference", "from .. to", "b is"];
    let seconds = comparison["looks"].as_u64().unwrap_or_default();
    vec![
        table(head, rows),
        format!(
            "seen for {seconds} s; all bounds hold together, at every look, with a probability of {} %",
            comparison["confidence"].as_f64().unwrap_or_default() * 100.0
        ),
        words,
    ]
}

fn row(of: &Value) -> Option<[String; 7]> {
    let figure = Figure::ALL
        .into_iter()
        .find(|figure| Some(figure.as_str()) == of["figure"].as_str())?;
    let value = |name: &str| of[name].as_f64().map(|value| figure.text(value));
    let bounds = match (value("low"), value("high")) {
        (Some(low), Some(high)) => format!("{low} .. {high}"),
        _ => "too few tasks yet".to_owned(),
    };
    Some([
        figure.as_str().to_owned(),
        of["class"].as_str().unwrap_or("all").to_owned(),
        value("stable")?,
        value("canary")?,
        value("difference")?,
        bounds,
        match of["finding"].as_str() {
            Some("better") => "better",
            Some("worse") => "worse",
            _ => "",
        }
        .to_owned(),
    ])
}
