//! `policy apply` and `policy rollback`.

use std::path::{Path, PathBuf};

use super::validate::read;
use crate::cli::exit::{Exit, Stop};
use crate::cli::session::Session;
use crate::gateway::{Applied, ApplyError, Applying, apply, rollback};
use crate::policy::PolicyVersion;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The policy, in YAML; - for stdin
    file: PathBuf,
    #[command(flatten)]
    note: Note,
    /// Check it, and say what would change, without applying it
    #[arg(long)]
    dry_run: bool,
}

#[derive(clap::Args)]
pub(super) struct RollbackArgs {
    /// The version to go back to; without it, the one that held before
    #[arg(value_name = "VERSION", value_parser = version)]
    to: Option<PolicyVersion>,
    #[command(flatten)]
    note: Note,
}

/// What is said of a change, and when it is made.
#[derive(clap::Args)]
pub(super) struct Note {
    /// Why, for the history
    #[arg(long, short, value_name = "TEXT", default_value = "")]
    pub(super) message: String,
    /// Who; without it, the user of this process
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Only where this version holds now
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub(super) if_version: Option<PolicyVersion>,
}

impl Note {
    pub(super) fn author(&self) -> String {
        self.author.clone().unwrap_or_else(user)
    }

    /// The document of a file, with what is said of it.
    pub(super) fn applying(&self, file: &Path) -> anyhow::Result<Applying> {
        let (name, document) = read(file)?;
        Ok(Applying {
            name,
            document,
            author: self.author(),
            message: self.message.clone(),
            expected: self.if_version,
            restores: None,
        })
    }
}

pub(super) async fn run(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let applying = args.note.applying(&args.file)?;
    let broker = session.connect().await?;
    if args.dry_run {
        return super::show::would_change(&broker, &applying, session).await;
    }
    told(apply(&broker, &applying).await, session)
}

pub(super) async fn roll_back(args: &RollbackArgs, session: &Session) -> anyhow::Result<Exit> {
    let broker = session.connect().await?;
    let Note {
        message, if_version, ..
    } = &args.note;
    let author = args.note.author();
    told(
        rollback(&broker, args.to, author, message.clone(), *if_version).await,
        session,
    )
}

fn told(applied: Result<Applied, ApplyError>, session: &Session) -> anyhow::Result<Exit> {
    let applied = applied.map_err(stop)?;
    session.output.show(&applied, |applied| match applied {
        Applied {
            version,
            changed: false,
            ..
        } => format!("policy {version} says the same already; nothing changed"),
        Applied {
            version, before: 0, ..
        } => format!(
            "policy {version} holds; before, every process acted on what it was started with"
        ),
        Applied { version, before, .. } => format!(
            "policy {version} holds, after {before}; `fairlane worker ls` shows who acts on it, `fairlane policy rollback` takes it back"
        ),
    })?;
    Ok(Exit::Ok)
}

/// How a script is told.
pub(super) fn stop(error: ApplyError) -> anyhow::Error {
    match error {
        ApplyError::Outdated { .. }
        | ApplyError::OtherTrial { .. }
        | ApplyError::OtherShadow { .. }
        | ApplyError::Conflict
        | ApplyError::Busy
        | ApplyError::Compared(_)
        | ApplyError::WentOn(_)
        | ApplyError::OnTrial(_)
        | ApplyError::NoRoom(_)
        | ApplyError::TooLong { .. } => Stop::refused(error.to_string()).into(),
        ApplyError::Unknown(_)
        | ApplyError::NoneStored
        | ApplyError::NoneBefore
        | ApplyError::NoTrial
        | ApplyError::NoShadow => Stop::not_found(error.to_string()).into(),
        ApplyError::Record(error) => super::show::unreachable(error),
        ApplyError::Faults(faults) => faults.into(),
    }
}

pub(super) fn version(text: &str) -> Result<PolicyVersion, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(PolicyVersion(number)),
        _ => Err("give a version of `fairlane policy history`, a number from 1".to_owned()),
    }
}

/// Who runs this process, by the system's own book.
pub(super) fn user() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid());
    user.ok()
        .flatten()
        .map_or_else(|| "unknown".to_owned(), |user| user.name)
}
