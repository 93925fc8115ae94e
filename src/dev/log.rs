//! The server's log: where its address and its failures are read.

use std::net::SocketAddr;

/// What a line of the log says to somebody who waits for the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Clients are taken at this address.
    Listening(SocketAddr),
    /// Everything runs.
    Ready,
    /// The server gives up.
    Fatal(String),
    /// Anything else.
    Other,
}

impl Line {
    /// Reads `[PID] DATE TIME [LEVEL] TEXT`; what is written otherwise counts as text.
    pub(super) fn parse(line: &str) -> Self {
        let (level, text) = line
            .split_once(" [")
            .and_then(|(_, rest)| rest.split_once("] "))
            .unwrap_or(("", line));
        let address = text.strip_prefix("Listening for client connections on ");
        match (level, address.map(str::parse)) {
            ("FTL", _) => Line::Fatal(text.to_owned()),
            (_, Some(Ok(address))) => Line::Listening(address),
            _ if text == "Server is ready" => Line::Ready,
            _ => Line::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_readiness_and_failure_are_read_from_the_log() {
        for (line, says) in [
            (
                "[7] 2026/11/23 22:09:24.638386 [INF] Listening for client connections on 127.0.0.1:34297",
                Line::Listening(([127, 0, 0, 1], 34297).into()),
            ),
            (
                "[7] 2026/11/23 22:09:24.638420 [INF] Server is ready",
                Line::Ready,
            ),
            (
                "[7] 2026/11/23 22:09:26.827439 [FTL] Error listening on port: 127.0.0.1:5999, \"in use\"",
                Line::Fatal("Error listening on port: 127.0.0.1:5999, \"in use\"".into()),
            ),
            (
                "[7] 2026/11/23 22:09:26.827439 [INF] Starting JetStream",
                Line::Other,
            ),
            ("nats-server: c.conf:1:1: parse error", Line::Other),
            ("", Line::Other),
        ] {
            assert_eq!(Line::parse(line), says, "{line}");
        }
    }
}
