//! A worker of one of the three kinds, as a process.

use nix::sys::signal::Signal;
use tokio::process::Command;

use super::clients::{self, Script};
use super::site::POLICY;
use crate::support::Role;

/// Whose worker it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ours,
    Python,
    Node,
}

/// What every worker here is called.
pub(super) const ID: &str = "gpu-9";

/// What a log says when something went wrong, in any of the three languages.
const TROUBLE: [&str; 6] = [
    "ERROR",
    "panicked",
    "Traceback",
    "Error:",
    "    at ",
    "trying again",
];

/// A running worker of the model `m`. It is killed when it is dropped.
pub(super) struct Worker {
    role: Role,
    _script: Option<Script>,
}

impl Worker {
    /// Starts one and waits until it takes tasks.
    pub(super) async fn start(kind: Kind, url: &str, slots: u32) -> Self {
        let script = match kind {
            Kind::Ours => {
                let role = Role::worker(url, ID, slots, POLICY).await;
                return Self { role, _script: None };
            }
            Kind::Python => clients::python("worker.py"),
            Kind::Node => clients::node("worker.mjs"),
        };
        let mut command = Command::new(&script.interpreter);
        command
            .arg(&script.path)
            .args(["--worker-id", ID, "--slots", &slots.to_string(), "m"])
            .env("NATS_URL", url);
        let mut role = Role::of(command);
        role.says("taking tasks").await;
        Self {
            role,
            _script: Some(script),
        }
    }

    /// Asks it to stop.
    pub(super) fn drain(&self) {
        self.role.signal(Signal::SIGTERM);
    }

    /// Waits for its end, which is a good one after a run without trouble.
    pub(super) async fn ended(self) {
        let (status, log) = self.role.ended().await;
        assert!(status.success(), "{status}\n{log}");
        let trouble = TROUBLE.iter().find(|word| log.contains(**word));
        assert_eq!(trouble, None, "{log}");
    }
}
