//! The settings as the program acts on them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::redact_url;

/// How one process is to run. Its `Debug` hides what a NATS URL holds before `@`.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Servers to connect to; at least one.
    pub nats_url: Vec<String>,
    /// Credentials file.
    pub nats_creds: Option<PathBuf>,
    /// Where the gateway listens; loopback. Without it, 127.0.0.1:7070.
    pub http_listen: Option<SocketAddr>,
    /// Where metrics are served; loopback, port 0 for a free one.
    pub metrics_listen: SocketAddr,
    /// File of the key that callbacks are signed with.
    pub callback_key: Option<PathBuf>,
    /// Policy document; without it, the built-in one.
    pub policy: Option<PathBuf>,
    /// Tasks this worker runs at once; 1 to 4096.
    pub slots: u32,
    /// Name in results and reports; unique per start where absent. A legal subject token.
    pub worker_id: Option<String>,
    /// What this worker is told apart by, for rollouts.
    pub worker_labels: BTreeMap<String, String>,
    /// Filter of the log, as `tracing` reads it.
    pub log: String,
    /// The server's binary, for roles that start one.
    pub nats_server: Option<PathBuf>,
    /// Where model files are kept.
    pub model_dir: Option<PathBuf>,
    /// Grace for running tasks on shutdown, in ms.
    pub drain_ms: u64,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field(
                "nats_url",
                &self.nats_url.iter().map(|u| redact_url(u)).collect::<Vec<_>>(),
            )
            .field("nats_creds", &self.nats_creds)
            .field("http_listen", &self.http_listen)
            .field("metrics_listen", &self.metrics_listen)
            .field("callback_key", &self.callback_key)
            .field("policy", &self.policy)
            .field("slots", &self.slots)
            .field("worker_id", &self.worker_id)
            .field("worker_labels", &self.worker_labels)
            .field("log", &self.log)
            .field("nats_server", &self.nats_server)
            .field("model_dir", &self.model_dir)
            .field("drain_ms", &self.drain_ms)
            .finish()
    }
}

/// Every setting that cannot stand: one text each, which names its source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsFaults(pub Vec<String>);
