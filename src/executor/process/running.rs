//! One child process: how it is started, given tasks and ended.

use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::{Body, PIPES_END_WITHIN};
use super::lines::Line;
use super::spawner::Spawner;
use super::stderr::{Origin, Tail, drain};
use crate::task::{ModelName, TaskId};

/// How long a process may take to end once its stdin is closed, or once it has closed its stdout.
const END_WITHIN: Duration = Duration::from_secs(2);

/// A process and its pipes.
#[derive(Debug)]
pub(super) struct Running {
    body: Body,
    stdin: ChildStdin,
    task: watch::Sender<Option<TaskId>>,
    stderr: Stderr,
}

/// What came of giving it a task.
#[derive(Debug)]
pub(super) enum Said {
    /// This, after it could read the whole task.
    Line(Line),
    /// Something, before it could have read the task.
    TooEarly,
}

impl Running {
    /// Starts `command` in a process group of its own.
    pub(super) async fn start(
        mut command: Command,
        model: ModelName,
        spawner: &Spawner,
    ) -> std::io::Result<Self> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut process = spawner.spawn(command).await?;
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(pid), (Some(stdin), Some(stdout), Some(stderr))) = (process.id(), pipes) else {
            return Err(std::io::Error::other("it has no pipes"));
        };
        let (task, given) = watch::channel(None);
        let origin = Origin {
            model,
            pid,
            task: given,
        };
        let over = CancellationToken::new();
        let drained = TaskTracker::new().spawn(drain(stderr, origin, over.clone()));
        Ok(Self {
            body: Body::new(process, pid, stdout),
            stdin,
            task,
            stderr: Stderr { drained, over },
        })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.body.pid()
    }

    /// What it writes next without being asked. A call that is dropped loses nothing.
    pub(super) async fn next(&mut self) -> Line {
        self.body.next().await
    }

    /// Gives it a task and waits for what it writes. A call that is dropped leaves it useless.
    pub(super) async fn exchange(&mut self, task_id: &TaskId, line: &[u8]) -> Said {
        self.task.send_replace(Some(task_id.clone()));
        let mut writing = pin!(self.stdin.write_all(line));
        let mut is_written = false;
        // Both at once: one that writes before it reads would block on us, and we on it.
        loop {
            tokio::select! {
                biased;
                // If it fails, what the process does next says more.
                _ = &mut writing, if !is_written => is_written = true,
                line = self.body.next() => {
                    return match line {
                        Line::Whole(_) | Line::TooLong if !is_written => Said::TooEarly,
                        line => Said::Line(line),
                    };
                }
            }
        }
    }

    /// Ends it; what it said last.
    pub(super) async fn kill(mut self) -> Tail {
        self.body.kill().await;
        self.stderr.end().await
    }

    /// Ends it after it wrote its last; why it did, in words.
    pub(super) async fn autopsy(self) -> String {
        let Self {
            mut body,
            stdin,
            stderr,
            ..
        } = self;
        drop(stdin);
        let how = match body.end(END_WITHIN).await {
            Some(status) => described(status),
            None => "it closed its stdout and went on".to_owned(),
        };
        body.kill().await;
        stderr.end().await.after(&how)
    }

    /// Lets it end by itself, as the end of its stdin asks it to, and ends it if it does not.
    pub(super) async fn close(self) {
        let Self {
            mut body,
            stdin,
            stderr,
            ..
        } = self;
        drop(stdin);
        if body.end(END_WITHIN).await.is_none() {
            tracing::warn!(
                process.pid = body.pid(),
                "a process did not end with its stdin and was killed"
            );
        }
        body.kill().await;
        stderr.end().await;
    }
}

#[derive(Debug)]
struct Stderr {
    drained: JoinHandle<Tail>,
    over: CancellationToken,
}

impl Stderr {
    async fn end(mut self) -> Tail {
        if let Ok(ended) = tokio::time::timeout(PIPES_END_WITHIN, &mut self.drained).await {
            return ended.unwrap_or_default();
        }
        self.over.cancel();
        self.drained.await.unwrap_or_default()
    }
}

fn described(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with exit status {code}"),
        (None, Some(number)) => match Signal::try_from(number) {
            Ok(signal) => format!("it was ended by signal {number} ({signal})"),
            Err(_) => format!("it was ended by signal {number}"),
        },
        (None, None) => "it ended".to_owned(),
    }
}
