//! Places where a test may end the process, between two writes that belong together.
//!
//! Without the feature `failpoints` nothing of it is in the program.

#[cfg(feature = "failpoints")]
use std::sync::OnceLock;
#[cfg(feature = "failpoints")]
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable that names the place: `NAME`, or `NAME@N` for the Nth time that it is come to.
pub const VARIABLE: &str = "FAIRLANE_FAILPOINT";

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

/// Ends the process as a crash of the machine would. Nothing happens in a build without such places.
pub fn crash() {
    #[cfg(feature = "failpoints")]
    let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
}
