//! One process of the mesh: started, signalled, and waited for.

use std::fs::OpenOptions;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::plan::{Arm, Role};
use crate::child;
use crate::failpoint;

/// What every process is started with.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) nats: String,
    pub(super) policy: PathBuf,
    pub(super) logs: PathBuf,
    /// Where the gateway listens.
    pub(super) http: String,
    /// Where executions are written down.
    pub(super) journal: PathBuf,
}

/// A process ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) member: usize,
    /// Which of its lives, counted from 1.
    pub(super) life: u32,
    pub(super) status: Option<ExitStatus>,
}

impl Ended {
    /// Whether it ended at a failpoint: nothing else here aborts.
    pub(super) fn is_failpoint(&self) -> bool {
        self.status.and_then(|status| status.signal()) == Some(Signal::SIGABRT as i32)
    }
}

/// One process, over all its lives.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) role: Role,
    /// Its number among all.
    number: usize,
    pub(super) life: u32,
    pid: Option<Pid>,
    /// Where it is to end by itself.
    pub(super) arm: Option<Arm>,
    pub(super) is_frozen: bool,
}

impl Member {
    pub(super) fn new(role: Role, number: usize) -> Self {
        Self {
            role,
            number,
            life: 0,
            pid: None,
            arm: None,
            is_frozen: false,
        }
    }

    /// Its process, while there is one.
    pub(super) fn pid(&self) -> Option<i32> {
        self.pid.map(Pid::as_raw)
    }

    pub(super) fn is_running(&self) -> bool {
        self.pid.is_some() && !self.is_frozen
    }

    pub(super) fn is_alive(&self) -> bool {
        self.pid.is_some()
    }

    /// Starts it; how it ends is told to `ended`. Call it from the thread that lives as long as the drill.
    pub(super) fn start(&mut self, launch: &Launch, ended: &mpsc::Sender<Ended>) -> std::io::Result<()> {
        let mut command = Command::new(&launch.program);
        command
            .args(child::arguments(None, &self.arguments(launch)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(self.log(&launch.logs)?)
            .env(failpoint::JOURNAL, &launch.journal)
            .kill_on_drop(true);
        match &self.arm {
            Some(arm) => command.env(failpoint::VARIABLE, &arm.place),
            None => command.env_remove(failpoint::VARIABLE),
        };
        let mut process = command.spawn()?;
        self.life += 1;
        self.is_frozen = false;
        self.pid = process
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(Pid::from_raw);
        let (member, life, ended) = (self.number, self.life, ended.clone());
        TaskTracker::new().spawn(async move {
            let status = process.wait().await.ok();
            // Nobody hears it once the drill is over.
            let _ = ended.send(Ended { member, life, status }).await;
        });
        Ok(())
    }

    fn arguments(&self, launch: &Launch) -> Vec<String> {
        let program = launch.program.display().to_string();
        let policy = launch.policy.display().to_string();
        let mut all = vec![program, self.role.as_str().to_owned()];
        let own: &[&str] = match self.role {
            Role::Gateway => &["--http-listen", &launch.http],
            Role::Coordinator => &[],
            Role::Worker => &["--slots", "16"],
        };
        let common = [
            "--nats",
            &launch.nats,
            "--policy",
            &policy,
            "--metrics-listen",
            "127.0.0.1:0",
            "--log",
            "info",
        ];
        all.extend(common.iter().chain(own).map(|&part| part.to_owned()));
        all
    }

    fn log(&self, folder: &Path) -> std::io::Result<std::fs::File> {
        let name = format!("{}-{}.log", self.role.as_str(), self.number);
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(name))
    }

    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid {
            // One that has just ended is as good as signalled.
            let _ = kill(pid, signal);
        }
    }

    pub(super) fn has_ended(&mut self) {
        self.pid = None;
        self.is_frozen = false;
    }
}
