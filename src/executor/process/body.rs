//! The process itself: what it writes to stdout, and its end.

use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStdout};

use super::lines::{LINE_BYTES_MAX, Line, Lines};

/// How long its stdout is read on after its end: somebody else may hold it open.
pub(super) const PIPES_END_WITHIN: Duration = Duration::from_millis(500);
/// How long the kernel may take to end what was killed.
const KILLED_WITHIN: Duration = Duration::from_secs(5);

/// A process that leads a group of its own.
#[derive(Debug)]
pub(super) struct Body {
    process: Child,
    group: Pid,
    lines: Lines<ChildStdout>,
    /// Reaped: its number may be another's.
    is_gone: bool,
}

impl Body {
    /// A process that was just started.
    pub(super) fn new(process: Child, pid: u32, stdout: ChildStdout) -> Self {
        Self {
            process,
            group: Pid::from_raw(pid.cast_signed()),
            lines: Lines::new(stdout, LINE_BYTES_MAX),
            is_gone: false,
        }
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.group.as_raw().cast_unsigned()
    }

    /// What it writes next; [`Line::End`] when it has ended or can write no more. A call that is
    /// dropped loses nothing.
    pub(super) async fn next(&mut self) -> Line {
        tokio::select! {
            biased;
            line = self.lines.next() => return line,
            _ = self.process.wait() => (),
        }
        self.bury();
        // What it wrote before its end counts.
        let last = tokio::time::timeout(PIPES_END_WITHIN, self.lines.next()).await;
        last.unwrap_or(Line::End)
    }

    /// Waits up to `patience` for its end; None when it goes on.
    pub(super) async fn end(&mut self, patience: Duration) -> Option<ExitStatus> {
        let status = tokio::time::timeout(patience, self.process.wait()).await.ok()?;
        self.bury();
        match status {
            Ok(status) => Some(status),
            Err(error) => {
                tracing::warn!(process.pid = self.pid(), %error, "cannot wait for a process");
                None
            }
        }
    }

    /// Ends it and all that it started, and waits until it is reaped.
    pub(super) async fn kill(&mut self) {
        if self.is_gone {
            return;
        }
        self.signal();
        if self.end(KILLED_WITHIN).await.is_none() {
            // The runtime goes on trying to reap it.
            tracing::error!(process.pid = self.pid(), "a process that was killed does not end");
        }
    }

    /// Ends what it started, once it has ended itself.
    fn bury(&mut self) {
        // Numbers are dealt in turn, so in the moment after it was reaped its own is not dealt again.
        if !std::mem::replace(&mut self.is_gone, true) {
            self.signal();
        }
    }

    fn signal(&self) {
        // Nobody left in the group is as good.
        let _ = killpg(self.group, Signal::SIGKILL);
    }
}
