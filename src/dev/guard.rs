//! `fairlane __guard`: runs a command for as long as its own stdin stays open.
//!
//! Its holder keeps the write end of stdin; the kernel closes it however the holder ends. A word
//! on it, or a signal to the guard, means the same: end the command, remove its folder.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::duty::Duty;
use super::reply::Reply;
use crate::child;

/// Grace between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// stdin, a signal and the end of the command report once each.
const NOTICES_MAX: usize = 3;

/// What ends the watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notice {
    /// The holder is gone or asks for the end.
    Stop,
    /// The command has ended by itself.
    Ended,
}

/// Runs until the command has ended; fails when it did so unasked.
pub(super) fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(duty) = Duty::parse(args) else {
        eprintln!("usage: fairlane __guard [--remove DIR] [--lock FILE] -- CMD…");
        return ExitCode::FAILURE;
    };
    // Before any thread starts: all inherit it, so that only `signals` takes them.
    let signals = stop_signals();
    let blocked = signals.thread_block().map_err(io::Error::from);
    let begun = blocked
        .map_err(|error| Reply::Failed(error.to_string()))
        .and_then(|()| begin(&duty));
    let ended = match begun {
        Ok(child) => watch(child, signals),
        Err(reply) => {
            tell(&reply);
            ExitCode::FAILURE
        }
    };
    if let Some(folder) = &duty.remove {
        remove(folder);
    }
    ended
}

fn stop_signals() -> SigSet {
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]
        .into_iter()
        .collect()
}

/// Starts the command. Its stdin is the locked file, so that the lock holds until it has ended,
/// even if the guard is killed. Its log goes through the guard, so that it never writes into a
/// pipe without a reader: that would kill it before it has shut down.
fn begin(duty: &Duty) -> Result<Child, Reply> {
    let failed = |error: io::Error| Reply::Failed(error.to_string());
    let stdin = match &duty.lock {
        Some(path) => Stdio::from(lock(path)?),
        None => Stdio::null(),
    };
    Command::new(std::env::current_exe().map_err(failed)?)
        .args(child::arguments(None, &duty.command))
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)
}

fn lock(path: &Path) -> Result<File, Reply> {
    let failed = |error: io::Error| Reply::Failed(format!("{}: {error}", path.display()));
    let file = File::create(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Reply::Locked),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn watch(mut child: Child, signals: SigSet) -> ExitCode {
    tell(&Reply::Started(child.id()));
    let pid = Pid::from_raw(child.id().cast_signed());
    let log = child.stderr.take().map(|log| thread::spawn(|| forward(log)));
    let notices = listen(pid, signals);

    let stopped = notices.recv() == Ok(Notice::Stop);
    if stopped {
        end(pid, &notices);
    }
    // Only now is the process id given back: until here a signal could not reach a stranger.
    let waited = child.wait();
    if let Some(log) = log {
        let _ = log.join();
    }
    match waited {
        Ok(_) if stopped => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn listen(pid: Pid, signals: SigSet) -> Receiver<Notice> {
    let (notices, received) = sync_channel(NOTICES_MAX);
    let (from_holder, from_signal) = (notices.clone(), notices.clone());
    thread::spawn(move || {
        // A word, the end and an error all mean the same.
        let _ = io::stdin().read(&mut [0]);
        from_holder.send(Notice::Stop)
    });
    thread::spawn(move || {
        let _ = signals.wait();
        from_signal.send(Notice::Stop)
    });
    thread::spawn(move || {
        // WNOWAIT leaves the process to `Child::wait`.
        let _ = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
        notices.send(Notice::Ended)
    });
    received
}

fn end(pid: Pid, notices: &Receiver<Notice>) {
    let _ = kill(pid, Signal::SIGTERM);
    loop {
        match notices.recv_timeout(GRACE) {
            Ok(Notice::Stop) => (),
            Ok(Notice::Ended) => return,
            Err(_) => {
                let _ = kill(pid, Signal::SIGKILL);
                return;
            }
        }
    }
}

/// Copies the log to the holder, and goes on reading when nobody takes it any more.
fn forward(mut log: ChildStderr) {
    if io::copy(&mut log, &mut io::stderr()).is_err() {
        let _ = io::copy(&mut log, &mut io::sink());
    }
}

fn remove(folder: &Path) {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let _ = writeln!(
                io::stderr(),
                "fairlane __guard: cannot remove {}: {error}",
                folder.display()
            );
        }
        _ => (),
    }
}

/// A holder that does not listen any more is noticed at stdin.
fn tell(reply: &Reply) {
    let _ = writeln!(io::stdout(), "{reply}");
}
