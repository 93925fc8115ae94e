//! The two subcommands that only Fairlane itself calls.

use std::ffi::OsString;
use std::process::ExitCode;

use super::guard;
use crate::child;

/// Watches over a command and ends it when its own stdin ends.
pub(super) const GUARD: &str = "__guard";

/// Runs the hidden subcommand that `args` (as of the process) name, if they name one.
///
/// Call it first thing in `main` and from its main thread: the parent-death signal of the guarded
/// process fires when the thread ends that started it.
#[must_use]
pub fn hidden_command(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut args = args.into_iter().skip(1);
    match args.next()?.to_str()? {
        GUARD => Some(guard::run(args)),
        child::COMMAND => Some(child::run(args)),
        _ => None,
    }
}
