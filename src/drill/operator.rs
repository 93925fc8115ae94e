//! Whoever looks after the archive: puts back, again and again, what ran out of time.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::child;
use crate::failpoint;

/// Between two looks at the archive.
const EVERY: Duration = Duration::from_secs(2);

/// Uses the program as anybody does.
pub(super) struct Operator {
    pub(super) program: PathBuf,
    pub(super) nats: String,
}

impl Operator {
    /// Puts back what ran out of time for as long as it is polled. The second time that there is something, it ends
    /// between two writes, and the next time goes on from there.
    pub(super) async fn tend(&self) {
        let mut times: u32 = 0;
        loop {
            tokio::time::sleep(EVERY).await;
            times += 1;
            if let Err(error) = self.replay(times == 2).await {
                tracing::warn!(%error, "the archive could not be tended; trying again");
            }
        }
    }

    async fn replay(&self, is_doomed: bool) -> std::io::Result<()> {
        let program = self.program.display().to_string();
        let words = [
            "archive",
            "replay",
            "--reason",
            "timeout",
            "--keep-going",
            "--nats",
        ];
        let mut all = vec![program];
        all.extend(words.map(str::to_owned));
        all.push(self.nats.clone());
        let mut command = Command::new(&self.program);
        command
            .args(child::arguments(None, &all))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        if is_doomed {
            command.env(failpoint::VARIABLE, "replay.after_publish");
        }
        // What it could not do it does the next time.
        command.status().await.map(drop)
    }
}
