//! `policy rollout`: a policy on trial.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::apply::{Note, stop};
use super::validate::read;
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::gateway::{
    Applying, Handle, ShownOutcome, ShownTrial, TrialStatus, Trying, begin_trial, handle_trial, trial_status,
};
use crate::policy::rollout::{FIRST_SHARE, Share, read_label, read_lot_by, read_share, stages};

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
    /// The policy to try, in YAML; - for stdin
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// Part of the tasks that it gets first, such as 10%
    #[arg(long, value_name = "PERCENT", default_value = FIRST_SHARE, value_parser = read_share)]
    canary: Share,
    /// Parts that follow, ascending; without it, those of 25, 50 and 100 % above the first
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', value_parser = read_share)]
    steps: Vec<Share>,
    /// Whose lot decides: all tasks of a tenant go together, or each goes by itself
    #[arg(long, value_name = "WHO", default_value = "tenant", value_parser = ["tenant", "task"])]
    by: String,
    /// Workers that serve it: those with this label; without it, as many as its part asks for, at least one
    #[arg(long, value_name = "KEY=VALUE", value_parser = read_label)]
    label: Option<(String, String)>,
    #[command(flatten)]
    note: Note,
}

#[derive(Subcommand)]
enum Command {
    /// Where the rollout stands, what was seen of it, and how the last one ended
    Status,
    /// Keep it in its stage until `resume`; harm ends it all the same
    Pause,
    /// Let it go on
    Resume,
    /// Go on to the next stage at once; after the last, the candidate holds
    Promote,
    /// End it; the policy before stays
    Abort,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let how = match (&args.command, &args.begin.file) {
        (None, Some(file)) => return start(file, &args.begin, session).await,
        (None, None) => {
            return Err(
                Stop::usage("give a FILE to try, or one of status, pause, resume, promote, abort").into(),
            );
        }
        (Some(Command::Status), _) => None,
        (Some(Command::Pause), _) => Some(Handle::Pause),
        (Some(Command::Resume), _) => Some(Handle::Resume),
        (Some(Command::Promote), _) => Some(Handle::Promote),
        (Some(Command::Abort), _) => Some(Handle::Abort),
    };
    let broker = session.connect().await?;
    let status = match how {
        None => trial_status(&broker).await,
        Some(how) => handle_trial(&broker, how, &super::apply::user()).await,
    };
    session.output.show(&status.map_err(stop)?, as_text)?;
    Ok(Exit::Ok)
}

async fn start(file: &Path, begin: &Begin, session: &Session) -> anyhow::Result<Exit> {
    let (name, document) = read(file)?;
    let shares = stages(begin.canary, &begin.steps);
    let trying = Trying {
        applying: Applying {
            name,
            document,
            author: begin.note.author(),
            message: begin.note.message.clone(),
            expected: begin.note.if_version,
            restores: None,
        },
        shares: shares.map_err(|error| Stop::usage(format!("--steps: {error}")))?,
        by: read_lot_by(&begin.by)?,
        label: begin.label.clone(),
    };
    let broker = session.connect().await?;
    begin_trial(&broker, &trying).await.map_err(stop)?;
    let status = trial_status(&broker).await.map_err(stop)?;
    session.output.show(&status, as_text)?;
    Ok(Exit::Ok)
}

fn as_text(status: &TrialStatus) -> String {
    let mut told = vec![match (&status.trial, status.stable) {
        (Some(trial), stable) => trial_text(trial, stable),
        (None, 0) => "no policy was applied, and none is on trial".to_owned(),
        (None, stable) => format!("policy {stable} holds, and none is on trial"),
    }];
    if let Some(words) = status.seen.as_ref().and_then(|seen| seen["words"].as_str()) {
        told.push(words.to_owned());
        told.push(findings(status));
    }
    if let Some(last) = &status.last {
        let ShownOutcome {
            candidate,
            ending,
            why,
            at,
        } = last;
        told.push(format!("the last one, {candidate}, was {ending} at {at}: {why}"));
    }
    told.retain(|line| !line.is_empty());
    told.join("\n")
}

fn trial_text(trial: &ShownTrial, stable: u64) -> String {
    let percent = |part: &f64| format!("{} %", part * 100.0);
    let steps: Vec<String> = trial.shares.iter().map(percent).collect();
    format!(
        "policy {} is on trial beside {stable}: {} of all {}s since {} ({}){}; {} worker(s) serve it",
        trial.candidate,
        percent(&trial.share),
        trial.by,
        trial.since,
        steps.join(", "),
        if trial.paused { ", paused" } else { "" },
        trial.workers.len()
    )
}

fn findings(status: &TrialStatus) -> String {
    let seen = status.seen.as_ref().and_then(|seen| seen["findings"].as_array());
    let row = |finding: &serde_json::Value| {
        let percent = |name: &str| {
            finding[name]
                .as_f64()
                .map_or_else(String::new, |part| format!("{:.2} %", part * 100.0))
        };
        let text = |name: &str| finding[name].as_str().unwrap_or("all").to_owned();
        let tasks = format!("{} / {}", finding["stable_tasks"], finding["canary_tasks"]);
        [
            text("measure"),
            text("class"),
            percent("stable"),
            percent("canary"),
            tasks,
        ]
    };
    let rows: Vec<[String; 5]> = seen.into_iter().flatten().map(row).collect();
    match rows.is_empty() {
        true => String::new(),
        false => table(["MEASURE", "CLASS", "STABLE", "CANARY", "TASKS"], rows),
    }
}
