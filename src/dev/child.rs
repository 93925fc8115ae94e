//! `fairlane __child PPID CMD…`: becomes CMD, which the kernel kills when its parent ends.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::{CommandExt, parent_id};
use std::process::{Command, ExitCode};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

/// CMD does not run.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("usage: fairlane __child PPID CMD…")]
    Usage,
    #[error("cannot set the parent-death signal: {0}")]
    Signal(#[source] nix::Error),
    #[error("the parent has already ended")]
    Orphaned,
    #[error("cannot run {}: {source}", program.display())]
    Exec {
        program: OsString,
        source: std::io::Error,
    },
}

/// Returns only when CMD cannot be run.
pub(super) fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let Err(error) = become_command(args);
    eprintln!("fairlane __child: {error}");
    ExitCode::FAILURE
}

fn become_command(mut args: impl Iterator<Item = OsString>) -> Result<Infallible, Error> {
    let parent: u32 = args
        .next()
        .as_deref()
        .and_then(OsStr::to_str)
        .and_then(|text| text.parse().ok())
        .ok_or(Error::Usage)?;
    let program = args.next().ok_or(Error::Usage)?;
    set_pdeathsig(Signal::SIGKILL).map_err(Error::Signal)?;
    // A parent that ended before the line above sends nothing any more.
    if parent_id() != parent {
        return Err(Error::Orphaned);
    }
    let source = Command::new(&program).args(args).exec();
    Err(Error::Exec { program, source })
}
