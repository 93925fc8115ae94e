//! `policy rollout`: a policy on trial.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use super::apply::{Note, stop};
use super::replay::{Asked, Gate, compare, noted, text};
use crate::broker::Broker;
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::config::parse_policy;
use crate::gateway::{
    ApplyError, Applying, Handle, ShownOutcome, ShownTrial, TrialStatus, Trying, begin_trial, document_of,
    handle_trial, trial_status,
};
use crate::policy::PolicyVersion;
use crate::policy::rollout::{FIRST_SHARE, Share, read_label, read_lot_by, read_share, stages};
use crate::sim::whatif::{Comparison, ComparisonJson, Known};

/// Why nothing is said of waits yet.
pub(super) const SETTLING: &str =
    "waits and SLOs are compared once the stable track is rid of what lay there when this began";

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
    #[command(flatten)]
    gate: Gate,
}

/// A rollout that has begun, and the replay before it.
#[derive(Serialize)]
struct Begun<'a> {
    #[serde(flatten)]
    status: &'a TrialStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<ComparisonJson>,
}

#[derive(Subcommand)]
enum Command {
    /// Where the rollout stands, what was seen of it, and how the last one ended
    Status,
    /// Keep it in its stage until `resume`; harm ends it all the same; a comparison has one stage, and is not paused
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
        Some(how) => handle_trial(&broker, how, &super::apply::user(), None).await,
    };
    session.output.show(&status.map_err(stop)?, as_text)?;
    Ok(Exit::Ok)
}

async fn start(file: &Path, begin: &Begin, session: &Session) -> anyhow::Result<Exit> {
    let shares = stages(begin.canary, &begin.steps);
    let mut trying = Trying {
        applying: begin.note.applying(file)?,
        shares: shares.map_err(|error| Stop::usage(format!("--steps: {error}")))?,
        by: read_lot_by(&begin.by)?,
        label: begin.label.clone(),
        compare: None,
    };
    let broker = session.connect().await?;
    let replayed = match begin.gate.asked() {
        Some(asked) => Some(pass(&asked, &mut trying.applying, &broker, session).await?),
        None => None,
    };
    begin_trial(&broker, &trying).await.map_err(stop)?;
    let status = trial_status(&broker).await.map_err(stop)?;
    let shown = Begun {
        status: &status,
        replay: replayed.as_ref().map(ComparisonJson::from),
    };
    session.output.show(&shown, |_| match &replayed {
        Some(comparison) => format!("{}\n\n{}", text(comparison), as_text(&status)),
        None => as_text(&status),
    })?;
    Ok(Exit::Ok)
}

/// Lets a candidate through that is no worse in a replay than the policy that holds, and only on top of that one.
async fn pass(
    asked: &Asked,
    applying: &mut Applying,
    broker: &Broker,
    session: &Session,
) -> anyhow::Result<Comparison> {
    let status = trial_status(broker).await.map_err(stop)?;
    if let Some(trial) = status.trial {
        return Err(stop(ApplyError::OnTrial(PolicyVersion(trial.candidate))));
    }
    let policy = parse_policy(&applying.name, &applying.document)?;
    let candidate = Known {
        name: applying.name.clone(),
        policy,
    };
    let stored = document_of(broker, None).await.map_err(stop)?;
    let Some((stored, _)) = stored else {
        return Err(stop(ApplyError::NoneStored));
    };
    let stands = stored.version;
    if let Some(expected) = applying.expected.filter(|expected| *expected != stands) {
        return Err(stop(ApplyError::Outdated { expected, stands }));
    }
    let name = format!("policy {}", stored.version);
    let policy = parse_policy(&name, &stored.document)?;
    let holds = Known { name, policy };
    let comparison = compare(asked, [&holds, &candidate], Some(broker)).await?;
    if comparison.worse() > 0 {
        session
            .output
            .show(&ComparisonJson::from(&comparison), |_| text(&comparison))?;
        let what = format!("{}; the rollout does not begin", comparison.sentence());
        return Err(Stop::refused(what).into());
    }
    applying.expected = Some(stands);
    applying.message = noted(&applying.message, &comparison);
    Ok(comparison)
}

fn as_text(status: &TrialStatus) -> String {
    let mut told = vec![match (&status.trial, status.stable) {
        (Some(trial), stable) => trial_text(trial, stable),
        (None, 0) => "no policy was applied, and none is on trial".to_owned(),
        (None, stable) => format!("policy {stable} holds, and none is on trial"),
    }];
    if let Some(seen) = &status.seen {
        // Of one that has ended it waits for nothing any more.
        if status.trial.is_some() {
            if seen["settling"] == true {
                told.push(SETTLING.to_owned());
            }
            told.push(seen["words"].as_str().unwrap_or_default().to_owned());
        }
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
    let passed: Vec<String> = trial
        .passed
        .iter()
        .zip(&trial.shares)
        .map(|(step, share)| format!("\n{} passed at {}: {}", percent(share), step.at, step.ground))
        .collect();
    format!(
        "policy {} is on trial beside {stable}: {} of all {}s since {} ({}){}; {} worker(s) serve it{}{}",
        trial.candidate,
        percent(&trial.share),
        trial.by,
        trial.since,
        steps.join(", "),
        if trial.paused { ", paused" } else { "" },
        trial.workers.len(),
        passed.concat(),
        note(trial)
    )
}

/// What makes it wait or come out worse, whatever the candidate says.
fn note(trial: &ShownTrial) -> String {
    let Some(slots) = trial.slots else {
        return String::new();
    };
    match &trial.label {
        Some(label) if slots.canary == 0 => format!("\nnote: no worker that is there has the label {label}: all tasks stay on the stable track"),
        None if slots.workers < 2 => {
            "\nnote: a rollout needs two workers at least, one for each track: all tasks stay on the stable track".to_owned()
        }
        _ if slots.are_few() => format!(
            "\nnote: {} of {} slots serve it; on a busy mesh so few make tasks wait longer under any policy, and it is taken \
             back for that: give it 4 or more, by --label or a larger --canary",
            slots.canary, slots.all
        ),
        _ => String::new(),
    }
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
