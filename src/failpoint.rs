//! Places where a test may end the process, between two writes that belong together.
//!
//! Without the feature `failpoints` nothing of it is in the program.

#[cfg(feature = "failpoints")]
use std::fs::File;
#[cfg(feature = "failpoints")]
use std::io::Write;
#[cfg(feature = "failpoints")]
use std::sync::OnceLock;
#[cfg(feature = "failpoints")]
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable that names the place: `NAME`, or `NAME@N` for the Nth time that it is come to.
pub const VARIABLE: &str = "FAIRLANE_FAILPOINT";

/// The variable that names a file, to which every simulated execution is written as it begins and ends.
pub const JOURNAL: &str = "FAIRLANE_JOURNAL";

/// Whether this build has such places.
pub const IS_BUILT_IN: bool = cfg!(feature = "failpoints");

#[cfg(feature = "failpoints")]
static ARMED: OnceLock<Armed> = OnceLock::new();

#[cfg(feature = "failpoints")]
struct Armed {
    name: String,
    left: AtomicU32,
}

/// Ends the process when it comes to `place`: `NAME` or `NAME@N`.
#[cfg(feature = "failpoints")]
pub fn arm(place: &str) {
    let (name, times) = place.split_once('@').unwrap_or((place, "1"));
    let armed = Armed {
        name: name.to_owned(),
        left: AtomicU32::new(times.parse().unwrap_or(1)),
    };
    // Armed once: a second name would make it a guess which of them counts.
    let _ = ARMED.set(armed);
}

/// A place. Ends the process at once, with SIGABRT, when a test asked for it.
#[cfg(feature = "failpoints")]
pub fn hit(name: &str) {
    let Some(armed) = ARMED.get().filter(|armed| armed.name == name) else {
        return;
    };
    if armed.left.fetch_sub(1, Ordering::Relaxed) == 1 {
        tracing::error!(failpoint = name, "ending here because a test asked for it");
        std::process::abort();
    }
}

/// A place. Nothing happens in this build.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn hit(_: &str) {}

#[cfg(feature = "failpoints")]
static JOURNAL_FILE: OnceLock<File> = OnceLock::new();

/// Writes down executions in `file` from now on.
#[cfg(feature = "failpoints")]
pub fn keep_journal(file: File) {
    // Opened once, as the place is armed once.
    let _ = JOURNAL_FILE.set(file);
}

/// Adds a line to the journal, in one write, so that those of several processes do not mix. Where none is kept the
/// line is not made.
#[cfg(feature = "failpoints")]
pub fn journal(line: impl FnOnce() -> String) {
    if let Some(mut file) = JOURNAL_FILE.get()
        && let Err(error) = file.write_all(line().as_bytes())
    {
        tracing::error!(%error, "an execution was not written down");
    }
}

/// Adds nothing in this build.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn journal(_: impl FnOnce() -> String) {}

/// Ends the process as a crash of the machine would. Nothing happens in a build without such places.
pub fn crash() {
    #[cfg(feature = "failpoints")]
    let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
}
