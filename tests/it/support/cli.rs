//! The program as a user runs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use fairlane::dev::Server;
use serde_json::Value;

use super::{Turn, process};

/// The executable under test.
const FAIRLANE: &str = env!("CARGO_BIN_EXE_fairlane");

/// A policy with one simulated model, so that no weights are needed.
const SIMULATED: &str = "
version: 1
classes:
  pay:  { priority: 1, share: 40 }
  bulk: { priority: 5, share: 10 }
default_class: bulk
models:
  sim: { executor: simulate }
retry: { kind: fixed, base_ms: 1, factor: 1, max_ms: 1, jitter: full, max_attempts: 2 }
";

/// A running `fairlane dev` with what its first line says.
pub(crate) struct Dev {
    child: Child,
    pub(crate) ready: Value,
    pub(crate) policy: PathBuf,
    _folder: tempfile::TempDir,
    _turn: Turn,
}

impl Dev {
    /// Starts it and waits for its line.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let turn = Turn::blocking();
        let folder = tempfile::tempdir().expect("a folder");
        let policy = folder.path().join("policy.yaml");
        std::fs::write(&policy, SIMULATED).expect("a policy is written");
        let mut child = Command::new(FAIRLANE)
            .args(["dev", "--json", "--policy"])
            .arg(&policy)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("fairlane runs");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let line = lines.next().expect("it says that it is ready").expect("text");
        let ready = serde_json::from_str(&line).expect("one line of JSON");
        Self {
            child,
            ready,
            policy,
            _folder: folder,
            _turn: turn,
        }
    }

    /// Where its server is.
    pub(crate) fn nats(&self) -> &str {
        self.ready["nats"].as_str().expect("an address")
    }

    /// What its metrics page says.
    pub(crate) fn metrics(&self) -> String {
        let url = self.ready["metrics"].as_str().expect("an address");
        let (host, path) = url.trim_start_matches("http://").split_once('/').expect("a path");
        let mut stream = TcpStream::connect(host).expect("it is served");
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut page = String::new();
        stream.read_to_string(&mut page).expect("it answers");
        page
    }

    /// The guard of its server.
    pub(crate) fn guard(&self) -> u32 {
        let of_child = format!("/proc/{0}/task/{0}/children", self.child.id());
        let children = std::fs::read_to_string(of_child).expect("the process exists");
        children
            .split_whitespace()
            .next()
            .expect("it has a guard")
            .parse()
            .expect("a number")
    }

    /// Sends a signal to it.
    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        process::send(self.child.id(), signal);
    }

    /// Waits for its end; its exit code, or None after a signal.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("it is ours").code()
    }

    /// Runs another command against its server.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        run(&[&["--nats", self.nats()], arguments].concat())
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(FAIRLANE)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("fairlane runs")
}

/// Runs it against `server` without blocking the test's own tasks: its exit code, and what it printed if that
/// is JSON.
pub(crate) async fn run_at(server: &Server, arguments: &[&str]) -> (Option<i32>, Value) {
    let own = [&["--nats", server.url(), "--json"], arguments].concat();
    let own: Vec<String> = own.iter().map(ToString::to_string).collect();
    let run = move || run(&own.iter().map(String::as_str).collect::<Vec<_>>());
    let output = tokio::task::spawn_blocking(run).await.expect("it runs");
    let printed = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), printed)
}

/// The same for people: exit code, stdout and stderr.
pub(crate) async fn say_at(server: &Server, arguments: &[&str]) -> (Option<i32>, String, String) {
    let own = [&["--nats", server.url()], arguments].concat();
    let own: Vec<String> = own.iter().map(ToString::to_string).collect();
    let run = move || run(&own.iter().map(String::as_str).collect::<Vec<_>>());
    let output = tokio::task::spawn_blocking(run).await.expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The JSON on stdout.
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Blocks until a process that is not our child has ended.
pub(crate) fn wait_for_end(pid: u32) {
    let waited = Command::new("tail")
        .args(["-s", "0.05", "-f", "/dev/null", "--pid"])
        .arg(pid.to_string())
        .status();
    assert!(waited.expect("tail runs").success());
}

/// Whether a path is there.
pub(crate) fn is_there(path: &Path) -> bool {
    path.exists()
}
