//! The way from a started guard to a server that takes clients, and what can go wrong on it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};

use super::ServerOptions;
use super::log::Line;
use super::reply::Reply;

/// The server does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The nats-server executable cannot be run.
    #[error(
        "cannot run nats-server as {}: {source}; deploy/nats/get-server.sh prints the path of a usable one, \
         FAIRLANE_NATS_SERVER names yours", program.display()
    )]
    Program {
        /// Which.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program is something else.
    #[error(
        "{} is no nats-server: it calls itself {said:?}; deploy/nats/get-server.sh prints the path of one, \
         FAIRLANE_NATS_SERVER names yours", program.display()
    )]
    NoServer {
        /// Which.
        program: PathBuf,
        /// The first line of its answer to `--version`.
        said: String,
    },
    /// The server has known losses.
    #[error(
        "{} is nats-server {found}, which can lose tasks; Fairlane needs {oldest} or later: \
         deploy/nats/get-server.sh gets one", program.display()
    )]
    TooOld {
        /// Which.
        program: PathBuf,
        /// Its version.
        found: String,
        /// The first that is taken.
        oldest: String,
    },
    /// The folder of the configuration cannot be made.
    #[error("cannot make a temporary folder for nats-server: {0}")]
    Folder(#[source] io::Error),
    /// The store cannot be written.
    #[error("cannot keep streams in {}: {reason}", store.display())]
    Store {
        /// Where.
        store: PathBuf,
        /// Why, in the words of who tried.
        reason: String,
    },
    /// Another server keeps its streams there; two would destroy them.
    #[error("{} is in use by another server; stop it or name another folder", store.display())]
    StoreInUse {
        /// Where.
        store: PathBuf,
    },
    /// The executable that guards the server cannot be run, or is not Fairlane.
    #[error("cannot guard nats-server with {}: {source}", guard.display())]
    Guard {
        /// Which.
        guard: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else listens there.
    #[error("port {port} on 127.0.0.1 is taken; name another or leave it out for a free one")]
    PortTaken {
        /// Which.
        port: u16,
    },
    /// The server ended before it took clients.
    #[error("nats-server ended during its start: {reason}")]
    Ended {
        /// The last it said.
        reason: String,
    },
    /// The server runs and takes no clients.
    #[error("nats-server was not ready after {} s", after.as_secs())]
    Late {
        /// How long it had.
        after: Duration,
    },
}

/// The server, as far as it is known once it takes clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Started {
    pub(super) pid: u32,
    pub(super) address: SocketAddr,
}

/// Reads what the guard and the server say until the server is ready.
pub(super) async fn started(
    options: &ServerOptions,
    store: &std::path::Path,
    replies: impl AsyncRead + Unpin,
    log: &mut Lines<impl AsyncBufReadExt + Unpin>,
) -> Result<Started, StartError> {
    let guard_failed = |source| StartError::Guard {
        guard: options.guard.clone(),
        source,
    };
    let mut replies = BufReader::new(replies).lines();
    let reply = replies.next_line().await.map_err(guard_failed)?;
    let pid = match reply.as_deref().and_then(Reply::parse) {
        Some(Reply::Started(pid)) => pid,
        Some(Reply::Locked) => {
            return Err(StartError::StoreInUse {
                store: store.to_owned(),
            });
        }
        Some(Reply::Failed(why)) => return Err(guard_failed(io::Error::other(why))),
        None => return Err(guard_failed(io::Error::other("it does not answer like fairlane"))),
    };
    let mut listening = None;
    let mut last = String::from("it said nothing");
    while let Some(line) = log.next_line().await.map_err(guard_failed)? {
        tracing::debug!(target: "nats", "{line}");
        match (Line::parse(&line), listening) {
            (Line::Listening(address), _) => listening = Some(address),
            (Line::Ready, Some(address)) => return Ok(Started { pid, address }),
            (Line::Fatal(text), _) => return Err(verdict(options, store, text)),
            (Line::Ready | Line::Other, _) => last = line,
        }
    }
    Err(StartError::Ended { reason: last })
}

/// The server's last words, as an error of ours where they are known.
fn verdict(options: &ServerOptions, store: &std::path::Path, text: String) -> StartError {
    match options.port {
        Some(port) if text.contains("address already in use") => StartError::PortTaken { port },
        _ if text.starts_with("Can't start JetStream") => StartError::Store {
            store: store.to_owned(),
            reason: text,
        },
        _ => StartError::Ended { reason: text },
    }
}
