//! The connection: how it is opened, and what it tells when it breaks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::{self, context::ContextBuilder};
use async_nats::{Client, ConnectOptions, Event};
use tokio::sync::watch;

use super::login::with_login;
use super::scanner::Scanner;
use crate::lifecycle::Lifecycle;
use crate::task::fnv1a_64;

/// How long the first connection may take before the answer is no.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How soon a frozen server is noticed; the client's own default takes minutes.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// How long one publish or request may wait for its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Publishes without their ack at once: as many as the most slots of a worker.
const ACKS_INFLIGHT_MAX: usize = 8192;
/// Messages that may lie in a subscription unread: far more than one worker ever asks for.
const SUBSCRIPTION_CAPACITY: usize = 65_536;

/// The server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The credentials file cannot be read.
    #[error("cannot read the NATS credentials {path}: {source}")]
    Credentials {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// An address is no NATS URL.
    #[error("{url:?} is no NATS address: {source}; write it like nats://127.0.0.1:4222")]
    Address {
        /// Which, without its password.
        url: String,
        /// Why.
        source: std::io::Error,
    },
    /// The server refused the credentials.
    #[error("NATS at {at} refused the credentials; set NATS_CREDS or put user:password into NATS_URL")]
    Refused {
        /// Where.
        at: String,
    },
    /// Nobody answers.
    #[error(
        "cannot reach NATS at {at}: {reason}; start nats-server there, set NATS_URL, or run `fairlane dev`"
    )]
    Unreachable {
        /// Where.
        at: String,
        /// Why.
        reason: String,
    },
}

/// An open connection with its JetStream context. Clones share it.
#[derive(Debug, Clone)]
pub struct Broker {
    pub(super) client: Client,
    pub(super) context: jetstream::Context,
    pub(super) scanner: Arc<Scanner>,
    /// For listening to tasks as they are published.
    pub(super) ears: Arc<Scanner>,
    name: Arc<str>,
    connections: watch::Receiver<u64>,
}

impl Broker {
    /// Connects to the first of `urls` that answers. `name` is what operators see at the server.
    ///
    /// # Errors
    /// [`ConnectError`], which says what to do.
    pub async fn connect(urls: &[String], creds: Option<&Path>, name: &str) -> Result<Self, ConnectError> {
        let (told, mut connections) = watch::channel(0_u64);
        let client = dial(urls, creds, name, move |event| {
            log_event(event);
            if matches!(event, Event::Connected) {
                told.send_modify(|count| *count += 1);
            }
        })
        .await?;
        // The first one counts as seen, so that a change means that it was lost in between. The
        // sender lives as long as the connection; without it nothing would ever be heard anyway.
        let _ = connections.wait_for(|count| *count > 0).await;
        let context = ContextBuilder::new()
            .timeout(REQUEST_TIMEOUT)
            .max_ack_inflight(ACKS_INFLIGHT_MAX)
            .build(client.clone());
        Ok(Self {
            client,
            context,
            scanner: Arc::new(Scanner::new(urls, creds, &format!("{name}-scan"))),
            ears: Arc::new(Scanner::new(urls, creds, &format!("{name}-ears"))),
            name: name.into(),
            connections,
        })
    }

    /// What operators see at the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Changes whenever the connection is open again after it was lost.
    #[must_use]
    pub fn connections(&self) -> watch::Receiver<u64> {
        self.connections.clone()
    }

    /// Waits until the connection is open, at most `patience`. Says whether it is.
    pub async fn connected_within(&self, patience: Duration) -> bool {
        // Noted first: what opens between the look and the wait is seen.
        let mut opened = self.connections();
        opened.mark_unchanged();
        if self.client.connection_state() == State::Connected {
            return true;
        }
        let changed = tokio::time::timeout(patience, opened.changed()).await;
        matches!(changed, Ok(Ok(()))) || self.client.connection_state() == State::Connected
    }

    /// Stops what `lifecycle` holds when the client itself ends. It comes back from everything but a
    /// crash of its own, and after one nothing is received or sent any more.
    pub fn crash_with(&self, lifecycle: &Lifecycle) {
        let (broker, stopping) = (self.clone(), lifecycle.clone());
        lifecycle.spawn_aside(async move {
            // Held to the end: the client also ends when nobody has it any more.
            let mut connections = broker.connections();
            let ended = async { while connections.changed().await.is_ok() {} };
            tokio::select! {
                // The stop first: at the end of the process both are true.
                biased;
                () = stopping.hard().cancelled() => return,
                () = ended => (),
            }
            tracing::error!("the NATS client has crashed; stopping, to be started anew");
            stopping.crash();
        });
    }

    /// Whether the connection is open right now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    /// The server's version, such as `2.15.1`.
    #[must_use]
    pub fn server_version(&self) -> String {
        self.client.server_info().version
    }

    /// The largest message the server takes, in bytes.
    #[must_use]
    pub fn max_payload(&self) -> usize {
        self.client.server_info().max_payload
    }

    /// Waits until everything sent so far has reached the server.
    ///
    /// # Errors
    /// When the connection is gone for good.
    pub async fn flush(&self) -> Result<(), async_nats::client::FlushError> {
        self.client.flush().await
    }
}

/// Doubles from 50 ms to 2 s, plus up to half of it by the name, so that a hundred workers do not
/// come back in the same instant.
fn reconnect_delay(name: &str) -> impl Fn(usize) -> Duration + Send + Sync + 'static {
    let spread = fnv1a_64(name.as_bytes()) % 500;
    move |attempt| {
        let base = 50_u64.saturating_mul(1 << attempt.min(6)).min(2000);
        Duration::from_millis(base + base * spread / 1000)
    }
}

/// Opens a connection.
pub(super) async fn dial(
    urls: &[String],
    creds: Option<&Path>,
    name: &str,
    told: impl Fn(&Event) + Send + Sync + 'static,
) -> Result<Client, ConnectError> {
    let at = urls
        .iter()
        .map(|url| crate::config::redact_url(url))
        .collect::<Vec<_>>()
        .join(", ");
    let addresses = urls
        .iter()
        .map(|url| {
            url.parse().map_err(|source| ConnectError::Address {
                url: crate::config::redact_url(url),
                source,
            })
        })
        .collect::<Result<Vec<async_nats::ServerAddr>, _>>()?;
    let mut options = with_login(ConnectOptions::new(), &addresses);
    if let Some(path) = creds {
        options = options
            .credentials_file(path)
            .await
            .map_err(|source| ConnectError::Credentials {
                path: path.display().to_string(),
                source,
            })?;
    }
    let options = options
        .name(name)
        .connection_timeout(CONNECT_TIMEOUT)
        .ping_interval(PING_INTERVAL)
        .request_timeout(Some(REQUEST_TIMEOUT))
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .reconnect_delay_callback(reconnect_delay(name))
        .event_callback(move |event| {
            told(&event);
            std::future::ready(())
        });
    options
        .connect(addresses)
        .await
        .map_err(|error| refusal(&at, &error))
}

fn log_event(event: &Event) {
    match event {
        Event::Connected => tracing::debug!("connected to NATS"),
        Event::Disconnected => tracing::warn!("lost the connection to NATS; trying again until it is back"),
        Event::SlowConsumer(sid) => {
            tracing::error!(nats.sid = sid, "messages were dropped: a subscription is full")
        }
        Event::ServerError(error) => tracing::warn!(%error, "NATS reports an error"),
        other => tracing::debug!(event = %other, "NATS connection"),
    }
}

fn refusal(at: &str, error: &async_nats::ConnectError) -> ConnectError {
    use async_nats::ConnectErrorKind as Kind;
    match error.kind() {
        Kind::Authentication | Kind::AuthorizationViolation => ConnectError::Refused { at: at.to_owned() },
        _ => ConnectError::Unreachable {
            at: at.to_owned(),
            reason: error.to_string(),
        },
    }
}
