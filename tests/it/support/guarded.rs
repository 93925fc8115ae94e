//! A guarded server whose lifeline a third process holds, so that the holder can be killed.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use super::{options, process, program};

/// Three processes and a folder.
pub(crate) struct Guarded {
    holder: Child,
    guard: Child,
    server: u32,
    folder: tempfile::TempDir,
}

impl Guarded {
    /// Starts them and waits until the server is ready.
    pub(crate) fn start() -> Self {
        let mut holder = Command::new("sleep")
            .arg("infinity")
            .stdout(Stdio::piped())
            .spawn()
            .expect("sleep runs");
        let lifeline = holder.stdout.take().expect("it is piped");
        let folder = tempfile::tempdir().expect("there is a place for temporary folders");
        let mut guard = Command::new(options().guard)
            .args(["__guard", "--remove"])
            .arg(folder.path())
            .arg("--")
            .arg(program())
            .args([
                "--addr",
                "127.0.0.1",
                "--port",
                "-1",
                "--jetstream",
                "--store_dir",
            ])
            .arg(folder.path())
            .stdin(lifeline)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("fairlane runs");
        let reply = wait_for(guard.stdout.take().expect("it is piped"), "started ");
        let server = reply.trim_start_matches("started ");
        // The log has no reader from here on: the guard must bear that.
        wait_for(guard.stderr.take().expect("it is piped"), "Server is ready");
        Self {
            holder,
            guard,
            server: server.parse().expect("a process id is a number"),
            folder,
        }
    }

    /// Who holds the lifeline.
    pub(crate) fn holder(&self) -> u32 {
        self.holder.id()
    }

    /// Who watches over the server.
    pub(crate) fn guard(&self) -> u32 {
        self.guard.id()
    }

    /// Waits for the guard's end, and finds that nothing is left.
    pub(crate) fn expect_all_gone(&mut self) {
        let status = self.guard.wait().expect("the guard is ours");
        assert!(status.success(), "{status}");
        assert!(!process::exists(self.server));
        assert!(!self.folder.path().exists());
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn wait_for(output: impl Read, says: &str) -> String {
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains(says));
    line.unwrap_or_else(|| panic!("the output ended before {says:?}"))
}
