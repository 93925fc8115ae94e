//! What a server is started with, and the configuration written from it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The largest message the server takes unless told otherwise.
const MAX_PAYLOAD_BYTES: u32 = 8 << 20;

/// How a [`Server`](super::Server) is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// The nats-server executable.
    pub program: PathBuf,
    /// The fairlane executable, which guards it: the caller's own, or the one under test.
    pub guard: PathBuf,
    /// Where streams are kept; None for a temporary folder, removed at the end.
    pub store: Option<PathBuf>,
    /// The port on loopback; None for a free one.
    pub port: Option<u16>,
    /// When a write reaches the disk.
    pub sync_interval: SyncInterval,
    /// The largest message it takes, in bytes.
    pub max_payload_bytes: u32,
}

/// When a write reaches the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncInterval {
    /// Before it is acknowledged.
    Always,
    /// At this interval: what was acknowledged since is lost on power failure.
    Every(Duration),
}

impl ServerOptions {
    /// A free port, a temporary store, every write on disk before its ack.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, guard: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            guard: guard.into(),
            store: None,
            port: None,
            sync_interval: SyncInterval::Always,
            max_payload_bytes: MAX_PAYLOAD_BYTES,
        }
    }

    /// The server's configuration. The store is no part of it: paths go over the command line,
    /// which needs no quoting. Nor is its quota: the server's own default is 75 % of the free disk.
    pub(super) fn config(&self) -> String {
        let port = self.port.map_or("-1".to_owned(), |port| port.to_string());
        format!(
            "listen: \"127.0.0.1:{port}\"\n\
             server_name: \"fairlane-dev\"\n\
             max_payload: {}\n\
             jetstream {{ sync_interval: {} }}\n",
            self.max_payload_bytes, self.sync_interval
        )
    }
}

impl fmt::Display for SyncInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SyncInterval::Always => f.write_str("always"),
            SyncInterval::Every(interval) => write!(f, "\"{}ms\"", interval.as_millis()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn the_configuration_binds_to_loopback_and_syncs_every_write() {
        expect![[r#"
            listen: "127.0.0.1:-1"
            server_name: "fairlane-dev"
            max_payload: 8388608
            jetstream { sync_interval: always }
        "#]]
        .assert_eq(&ServerOptions::new("nats-server", "fairlane").config());
    }

    #[test]
    fn port_and_interval_go_into_the_configuration() {
        let mut options = ServerOptions::new("nats-server", "fairlane");
        options.port = Some(4222);
        options.sync_interval = SyncInterval::Every(Duration::from_secs(2));
        let config = options.config();
        assert!(config.contains("127.0.0.1:4222"), "{config}");
        assert!(config.contains("sync_interval: \"2000ms\""), "{config}");
    }
}
