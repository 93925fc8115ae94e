//! `policy shadow`: a policy that is asked and not obeyed.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::apply::{Note, stop};
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::table;
use crate::cli::session::Session;
use crate::gateway::{ShadowStatus, ShownShadow, begin_shadow, end_shadow, shadow_status};

/// Pairs of classes that are shown.
const PAIRS_MAX: usize = 10;

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
    /// The policy to ask, in YAML; - for stdin
    #[arg(required = true)]
    file: Option<PathBuf>,
    #[command(flatten)]
    note: Note,
}

#[derive(Subcommand)]
enum Command {
    /// How often it would have chosen otherwise, and how
    Status,
    /// Ask it no more; prints what it would have done
    Stop,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let status = match (&args.command, &args.begin.file) {
        (None, Some(file)) => return start(file, &args.begin.note, session).await,
        (None, None) => return Err(Stop::usage("give a FILE to ask, or one of status, stop").into()),
        (Some(Command::Status), _) => shadow_status(&session.connect().await?).await,
        (Some(Command::Stop), _) => end_shadow(&session.connect().await?, None).await,
    };
    session.output.show(&status.map_err(stop)?, as_text)?;
    Ok(Exit::Ok)
}

async fn start(file: &Path, note: &Note, session: &Session) -> anyhow::Result<Exit> {
    let applying = note.applying(file)?;
    let broker = session.connect().await?;
    begin_shadow(&broker, &applying).await.map_err(stop)?;
    let status = shadow_status(&broker).await.map_err(stop)?;
    session.output.show(&status, as_text)?;
    Ok(Exit::Ok)
}

fn as_text(status: &ShadowStatus) -> String {
    let Some(shadow) = &status.shadow else {
        return format!("policy {} holds, and none is asked beside it", status.stable);
    };
    let mut told = vec![format!(
        "policy {} is asked beside {} since {}, by {} worker(s)",
        shadow.candidate, status.stable, shadow.since, shadow.workers
    )];
    if shadow.picks == 0 {
        told.push("no slot was given out since then, or no worker has said so yet".to_owned());
        return told.join("\n");
    }
    told.push(format!(
        "of {} slots given out, it would have given {} ({}) to another class at that moment; over all, {} would have gone to other classes",
        shadow.picks,
        shadow.otherwise,
        percent(shadow.otherwise as f64 / shadow.picks as f64),
        percent(shadow.moved)
    ));
    told.push(classes(shadow));
    let pairs = pairs(shadow);
    if !pairs.is_empty() {
        told.push(pairs);
    }
    told.join("\n")
}

fn classes(of: &ShownShadow) -> String {
    let part = |picks: u64| percent(picks as f64 / of.picks as f64);
    let rows = of.classes.iter().map(|class| {
        [
            class.class.clone(),
            part(class.picks),
            part(class.would_have),
            class.picks.to_string(),
            class.would_have.to_string(),
        ]
    });
    table(
        ["class", "has", "would have", "slots", "would be"],
        rows.collect::<Vec<_>>(),
    )
}

fn pairs(of: &ShownShadow) -> String {
    let rows: Vec<[String; 3]> = of
        .pairs
        .iter()
        .take(PAIRS_MAX)
        .map(|pair| [pair.class.clone(), pair.instead.clone(), pair.picks.to_string()])
        .collect();
    match rows.is_empty() {
        true => String::new(),
        false => table(["picked", "it would", "times"], rows),
    }
}

fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}
