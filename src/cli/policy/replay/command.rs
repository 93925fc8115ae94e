//! `policy replay`.

use std::path::PathBuf;

use super::args::{MEASURES, Replay};
use super::compare::{compare, text};
use crate::cli::exit::Exit;
use crate::cli::policy::read::{WHICH, document, needs_server};
use crate::cli::session::Session;
use crate::config::parse_policy;
use crate::sim::whatif::{ComparisonJson, Known};

#[derive(clap::Args)]
#[command(after_help = MEASURES)]
pub(in crate::cli::policy) struct Args {
    /// The trace, as `fairlane trace export` writes it
    #[arg(value_name = "TRACE")]
    trace: PathBuf,
    #[arg(value_name = "POLICY", help = WHICH)]
    candidate: String,
    /// What it is held against, in the same words; a file needs no server
    #[arg(long, value_name = "POLICY", default_value = "current")]
    against: String,
    #[command(flatten)]
    replay: Replay,
}

pub(in crate::cli::policy) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let candidate = known(&args.candidate, session).await?;
    let holds = known(&args.against, session).await?;
    // Who asks the server for a policy asks it for its workers, too.
    let broker = match needs_server(&args.candidate) || needs_server(&args.against) {
        true => Some(session.connect().await?),
        false => None,
    };
    let asked = args.replay.asked(args.trace.clone());
    let comparison = compare(&asked, [&holds, &candidate], broker.as_ref()).await?;
    session
        .output
        .show(&ComparisonJson::from(&comparison), |_| text(&comparison))?;
    Ok(match comparison.worse() {
        0 => Exit::Ok,
        _ => Exit::Error,
    })
}

async fn known(which: &str, session: &Session) -> anyhow::Result<Known> {
    let (name, yaml) = document(which, session).await?;
    let policy = parse_policy(&name, &yaml)?;
    Ok(Known { name, policy })
}
