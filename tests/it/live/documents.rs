//! Documents that tell one version from another.

use fairlane::gateway::Applying;

use crate::support::TWO_CLASSES;

/// Bound on an execution, in ms, under the first version; each later one has one more.
pub(super) const TIMEOUT_MS: u64 = 60_000;

pub(super) fn applying(document: String) -> Applying {
    Applying {
        name: "test.yaml".to_owned(),
        document,
        author: "test".to_owned(),
        message: String::new(),
        expected: None,
        restores: None,
    }
}

/// Two classes whose shares and time-outs say which version it is.
pub(super) fn version(n: u64) -> String {
    TWO_CLASSES
        .replace("timeout_ms: 120000", &format!("timeout_ms: {}", TIMEOUT_MS + n))
        .replace("share: 60", &format!("share: {}", 10 + n % 80))
}

/// `version(n)` with a model `n` of its own.
pub(super) fn with_model(n: u64) -> String {
    let line = "  m: { executor: simulate, cost: { unit: ms, initial: 5 } }";
    version(n).replace(line, &format!("{line}\n{}", line.replace("m:", "n:")))
}

/// How many of something a test goes through: few as one of all tests, as many as `name` says where that is measured.
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no settings: make live passes them this way"
)]
pub(super) fn times(name: &str, few: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(few)
}
