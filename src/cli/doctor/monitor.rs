//! A server's monitoring port. It tells what no ordinary client may see.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long the port may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A server's answer is a few KiB; whatever sends more is something else.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// What the port tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Monitored {
    pub(super) sync: Sync,
    /// The server's own limit for file streams, over all accounts.
    pub(super) storage_max_bytes: Option<u64>,
}

/// When what was written reaches the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sync {
    /// Before it is acknowledged.
    Always,
    /// From time to time.
    Every { ms: u64 },
    /// The server does not say.
    Unknown,
}

/// Asks the port at `url`, such as `http://127.0.0.1:8222`.
pub(super) async fn read(url: &str) -> anyhow::Result<Monitored> {
    let Some(authority) = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/')) else {
        bail!("{url} is no address of a monitoring port; give http://HOST:PORT");
    };
    let answer = tokio::time::timeout(TIMEOUT, get(authority)).await;
    let answer = answer.with_context(|| format!("{url} does not answer"))?;
    let answer = answer.with_context(|| format!("cannot read {url}/varz"))?;
    let varz = parse(&answer).with_context(|| format!("{url} is no monitoring port of a nats-server"))?;
    Ok(monitored(&varz))
}

/// HTTP/1.0, so that the answer ends where the connection does.
async fn get(authority: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(authority).await?;
    let request = format!("GET /varz HTTP/1.0\r\nHost: {authority}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    Ok(answer)
}

fn parse(answer: &[u8]) -> anyhow::Result<Value> {
    let answer = std::str::from_utf8(answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        bail!("HTTP status {status}");
    }
    Ok(serde_json::from_str(body)?)
}

fn monitored(varz: &Value) -> Monitored {
    let config = &varz["jetstream"]["config"];
    let sync = match (config["sync_always"].as_bool(), config["sync_interval"].as_u64()) {
        (Some(true), _) => Sync::Always,
        (_, Some(ns)) => Sync::Every { ms: ns / 1_000_000 },
        _ => Sync::Unknown,
    };
    Monitored {
        sync,
        storage_max_bytes: config["max_storage"].as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_tells_sync_and_storage() {
        let told = |config: &str| {
            let answer =
                format!("HTTP/1.0 200 OK\r\nA: b\r\n\r\n{{\"jetstream\": {{\"config\": {config}}}}}");
            monitored(&parse(answer.as_bytes()).unwrap())
        };
        let always = told(r#"{"sync_interval": 120000000000, "sync_always": true, "max_storage": 7}"#);
        assert_eq!((always.sync, always.storage_max_bytes), (Sync::Always, Some(7)));
        assert_eq!(
            told(r#"{"sync_interval": 120000000000}"#).sync,
            Sync::Every { ms: 120_000 }
        );
        assert_eq!(told("{}").sync, Sync::Unknown);
        assert!(parse(b"HTTP/1.0 404 Not Found\r\n\r\n{}").is_err());
        assert!(parse(b"SSH-2.0-OpenSSH\r\n").is_err());
    }
}
