//! `trace export`: from the records that are still there to a trace.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::builder::RangedU64ValueParser;
use indicatif::ProgressBar;

use super::show;
use super::when::When;
use crate::broker::{Broker, RequestError};
use crate::cli::exit::{Exit, Stop};
use crate::cli::output::Format;
use crate::cli::session::Session;
use crate::clock;
use crate::sim::workload::{Recording, Trace, Wanted};
use crate::task::ClassName;

/// The most tasks of one trace: as many lines as fit into what the simulator reads, 256 MiB.
const TASKS_MAX: u64 = 1_500_000;
/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(super) struct Args {
    /// Where the trace goes; without it, to stdout
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Only tasks that arrived then or later: a time, or how long ago it was, such as 30m, 2h or 3d
    #[arg(long, value_name = "TIME|AGE", visible_alias = "newer-than", value_parser = When::parse)]
    since: Option<When>,
    /// Only tasks that arrived earlier
    #[arg(long, value_name = "TIME|AGE", visible_alias = "older-than", value_parser = When::parse)]
    until: Option<When>,
    /// Only those of this class; may be given several times
    #[arg(long, value_name = "NAME")]
    class: Vec<ClassName>,
    /// At most so many: those that arrived last
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_000_000,
        allow_negative_numbers = true
    )]
    #[arg(value_parser = RangedU64ValueParser::<u64>::new().range(1..=TASKS_MAX))]
    limit: u64,
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let is_json = session.output.format == Format::Json;
    if is_json && args.file.is_none() {
        let what = "--json shows what is in the trace, which goes to stdout itself; name a --file for it";
        return Err(Stop::usage(what).into());
    }
    let now = clock::wall();
    let wanted = Wanted {
        classes: args.class.clone(),
        since: args.since.map(|since| since.before(now)),
        until: args.until.map(|until| until.before(now)),
        tasks_max: usize::try_from(args.limit).unwrap_or(usize::MAX),
    };
    let broker = session.connect().await?;
    let (summary, trace) = read(&broker, wanted).await?.finish();
    if summary.tasks == 0 {
        return Err(Stop::not_found(show::nothing(&summary)).into());
    }
    let is_refused = {
        let file = args.file.as_deref().unwrap_or(Path::new("trace"));
        Trace::parse(&file.display().to_string(), &trace).err()
    };
    match &args.file {
        Some(file) => {
            let name = file.display().to_string();
            std::fs::write(file, trace).with_context(|| format!("cannot write {name}"))?;
            session
                .output
                .show(&show::as_json(&summary, &name), |_| show::as_text(&summary))?;
        }
        None => {
            session.output.text(&trace)?;
            session.output.note(&show::as_text(&summary));
        }
    }
    if let Some(error) = is_refused {
        session.output.note(&show::refused(&error));
    }
    Ok(Exit::Ok)
}

/// Goes through the records from the first that may be wanted, since a task ends no sooner than it arrives, to the last
/// that there is when it begins: a mesh that writes faster than this reads is not chased.
async fn read(broker: &Broker, wanted: Wanted) -> Result<Recording, RequestError> {
    let last = broker.endings_end().await?;
    let spinner = ProgressBar::new_spinner();
    spinner.enable_steady_tick(TICK);
    let mut at = match wanted.since {
        Some(since) => broker.endings_since(since).await?,
        None => Some(1),
    };
    let mut recording = Recording::new(wanted);
    while let Some(from) = at {
        let (page, next) = broker.endings(from, last).await?;
        for record in page {
            recording.add(record.at, record.ending.as_ref());
        }
        spinner.set_message(format!("{} records read", recording.read()));
        at = next;
    }
    spinner.finish_and_clear();
    Ok(recording)
}
