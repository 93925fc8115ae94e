//! A role as a process of its own, which can be signalled and killed.

use std::process::{ExitStatus, Stdio};

use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::{PATIENCE, process};

/// Far more lines than a role logs in a test.
const LINES_MAX: usize = 100_000;

/// A running `fairlane ROLE`. It is killed when it is dropped.
pub(crate) struct Role {
    child: Child,
    lines: mpsc::Receiver<String>,
    log: Vec<String>,
}

impl Role {
    /// A worker under the policy `yaml`, ready to take tasks.
    pub(crate) async fn worker(url: &str, id: &str, slots: u32, yaml: &str) -> Self {
        let slots = slots.to_string();
        let file = tempfile::NamedTempFile::new().expect("there is a place for temporary files");
        std::fs::write(file.path(), yaml).expect("it can be written");
        let policy = file.path().to_str().expect("a path in UTF-8");
        let mut role = Self::start(&[
            "worker",
            "--nats",
            url,
            "--worker-id",
            id,
            "--slots",
            &slots,
            "--policy",
            policy,
        ]);
        role.says("taking tasks").await;
        role
    }

    /// Starts `fairlane` with `arguments`, metrics on a free port, logging what it does.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    /// The same with `variables` in its environment.
    pub(crate) fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fairlane"));
        command.args(arguments).envs(variables.iter().copied()).args([
            "--metrics-listen",
            "127.0.0.1:0",
            "--log",
            "info",
        ]);
        Self::of(command)
    }

    /// Starts any program that logs to its standard error.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it runs");
        let (told, lines) = mpsc::channel(LINES_MAX);
        TaskTracker::new().spawn(read(child.stderr.take().expect("it is piped"), told));
        let log = Vec::new();
        Self { child, lines, log }
    }

    /// Waits until its log says `text`; the whole line.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.lines.recv()).await;
            let Ok(Some(line)) = next else {
                panic!("the log never says {text:?}:\n{}", self.log.join("\n"));
            };
            self.log.push(line);
            if let Some(line) = self.log.last().filter(|line| line.contains(text)) {
                return line.clone();
            }
        }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        process::send(self.child.id().expect("it runs"), signal);
    }

    /// Waits for its end; gives how it ended and its whole log.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = ended.expect("it ends").expect("it is ours");
        while let Some(line) = self.lines.recv().await {
            self.log.push(line);
        }
        (status, self.log.join("\n"))
    }
}

async fn read(output: impl AsyncRead + Unpin, told: mpsc::Sender<String>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if told.send(line).await.is_err() {
            return;
        }
    }
}
