//! `fairlane __child PPID [--memory-mb N] -- CMD…`: becomes CMD, which the kernel kills when its
//! parent ends, and which cannot take more memory than it is allowed.
//!
//! The parent-death signal fires when the *thread* ends that started the child. Start it from one
//! that lives as long as the child may.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::{CommandExt, parent_id};
use std::process::{Command, ExitCode};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;

/// The hidden subcommand.
pub const COMMAND: &str = "__child";
const MEMORY_MB: &str = "--memory-mb";
const MIB: u64 = 1 << 20;

/// CMD does not run.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("usage: fairlane __child PPID [--memory-mb N] -- CMD…")]
    Usage,
    #[error("cannot set the parent-death signal: {0}")]
    Signal(#[source] nix::Error),
    #[error("the parent has already ended")]
    Orphaned,
    #[error("cannot limit the memory to {mb} MiB: {source}")]
    Limit { mb: u64, source: nix::Error },
    #[error("cannot run {}: {source}", program.display())]
    Exec {
        program: OsString,
        source: std::io::Error,
    },
}

/// What `fairlane` is to be called with so that it becomes `command` as a child of this process.
#[must_use]
pub fn arguments<T: AsRef<OsStr>>(memory_mb_max: Option<u64>, command: &[T]) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec![COMMAND.into(), std::process::id().to_string().into()];
    if let Some(mb) = memory_mb_max {
        args.extend([MEMORY_MB.into(), mb.to_string().into()]);
    }
    args.push("--".into());
    args.extend(command.iter().map(|part| part.as_ref().to_owned()));
    args
}

/// Runs the subcommand, given what stands behind its name. Returns only when CMD cannot be run.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let Err(error) = become_command(args);
    eprintln!("fairlane __child: {error}");
    ExitCode::FAILURE
}

/// What the arguments say.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    parent: u32,
    memory_mb_max: Option<u64>,
    program: OsString,
}

fn become_command(mut args: impl Iterator<Item = OsString>) -> Result<Infallible, Error> {
    let order = parse(&mut args).ok_or(Error::Usage)?;
    set_pdeathsig(Signal::SIGKILL).map_err(Error::Signal)?;
    // A parent that ended before the line above sends nothing any more.
    if parent_id() != order.parent {
        return Err(Error::Orphaned);
    }
    if let Some(mb) = order.memory_mb_max {
        // Not the address space: a CUDA context reserves more of it than there is memory, and
        // weights that are mapped from a file cost none.
        let bytes = mb.saturating_mul(MIB);
        setrlimit(Resource::RLIMIT_DATA, bytes, bytes).map_err(|source| Error::Limit { mb, source })?;
    }
    let program = order.program;
    let source = Command::new(&program).args(args).exec();
    Err(Error::Exec { program, source })
}

/// Reads up to the program; what is left are its arguments.
fn parse(args: &mut impl Iterator<Item = OsString>) -> Option<Order> {
    let parent = args.next()?.to_str()?.parse().ok()?;
    let mut memory_mb_max = None;
    loop {
        match args.next()?.to_str()? {
            MEMORY_MB => memory_mb_max = Some(args.next()?.to_str()?.parse().ok()?),
            "--" => break,
            _ => return None,
        }
    }
    Some(Order {
        parent,
        memory_mb_max,
        program: args.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_survives_the_command_line() {
        for memory_mb_max in [None, Some(512)] {
            let command = ["--memory-mb", "--", "x"];
            let mut args = arguments(memory_mb_max, &command).into_iter();
            assert_eq!(args.next(), Some(COMMAND.into()));
            let order = Order {
                parent: std::process::id(),
                memory_mb_max,
                program: command[0].into(),
            };
            assert_eq!(parse(&mut args), Some(order));
            assert_eq!(args.collect::<Vec<_>>(), command[1..]);
        }
    }

    #[test]
    fn what_is_no_order_is_refused() {
        for line in [
            "",
            "x -- true",
            "1",
            "1 --",
            "1 true",
            "1 --memory-mb -- true",
            "1 --memory-mb x -- true",
        ] {
            let mut args = line.split(' ').map(OsString::from);
            assert_eq!(parse(&mut args), None, "{line:?}");
        }
    }
}
