//! Places where a test may end the process, between two writes that belong together.
//!
//! Without the feature `failpoints` nothing of it is in the program.

#[cfg(feature = "failpoints")]
use std::sync::OnceLock;

/// The variable that names the place.
pub const VARIABLE: &str = "FAIRLANE_FAILPOINT";

#[cfg(feature = "failpoints")]
static ARMED: OnceLock<String> = OnceLock::new();

/// Ends the process when it first comes to the place `name`.
#[cfg(feature = "failpoints")]
pub fn arm(name: &str) {
    // Armed once: a second name would make it a guess which of them counts.
    let _ = ARMED.set(name.to_owned());
}

/// A place. Ends the process at once, as SIGKILL would, when a test asked for it.
#[cfg(feature = "failpoints")]
pub fn hit(name: &str) {
    if ARMED.get().is_some_and(|armed| armed == name) {
        tracing::error!(failpoint = name, "ending here because a test asked for it");
        std::process::abort();
    }
}

/// A place. Nothing happens in this build.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn hit(_: &str) {}
