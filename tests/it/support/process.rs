//! Processes, as /proc shows them.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::{self, Signal};
use nix::unistd::{Pid, getpgid};

/// Whether it runs or waits to be reaped.
pub(crate) fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Who started it.
pub(crate) fn parent(pid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process exists");
    let mut lines = status.lines();
    let parent = lines
        .find_map(|line| line.strip_prefix("PPid:"))
        .expect("it has a parent");
    parent.trim().parse().expect("a process id is a number")
}

/// The process group, which a signal of the terminal reaches as one.
pub(crate) fn group(pid: u32) -> Pid {
    getpgid(Some(raw(pid))).expect("the process exists")
}

/// The processes it started that run or wait to be reaped.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process exists");
    let lists = threads.map(|thread| {
        let thread = thread.expect("it can be read").path();
        // A thread that has just ended has none.
        fs::read_to_string(thread.join("children")).unwrap_or_default()
    });
    let lists: Vec<String> = lists.collect();
    let pids = lists.iter().flat_map(|list| list.split_whitespace());
    pids.map(|pid| pid.parse().expect("a number")).collect()
}

/// Whether it has ended and waits to be reaped.
pub(crate) fn is_zombie(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:\tZ"))
}

/// Sends a signal.
pub(crate) fn send(pid: u32, signal: Signal) {
    signal::kill(raw(pid), signal).expect("the process exists");
}

/// The folder that a guard is to remove, off its command line.
pub(crate) fn folder_of(guard: u32) -> PathBuf {
    let line = fs::read_to_string(format!("/proc/{guard}/cmdline")).expect("the process exists");
    let mut arguments = line.split('\0').skip_while(|argument| *argument != "--remove");
    arguments.nth(1).expect("it has a folder to remove").into()
}

fn raw(pid: u32) -> Pid {
    Pid::from_raw(pid.cast_signed())
}
