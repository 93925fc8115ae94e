//! Connections for what anybody may have written, apart from the one that everything else goes over.
//!
//! A message whose headers no client can read ends the connection of whoever it comes to. Whoever goes over whole
//! streams, or listens to tasks as they are published, meets every such message, so that connection may be lost: another
//! is opened when it is needed next.

use std::path::{Path, PathBuf};

use async_nats::Client;
use async_nats::connection::State;
use tokio::sync::Mutex;

use super::connect::{ConnectError, dial};

/// How to open it, and the one that is open.
#[derive(Debug)]
pub(super) struct Scanner {
    urls: Vec<String>,
    creds: Option<PathBuf>,
    name: String,
    open: Mutex<Option<Client>>,
}

impl Scanner {
    pub(super) fn new(urls: &[String], creds: Option<&Path>, name: &str) -> Self {
        Self {
            urls: urls.to_vec(),
            creds: creds.map(Path::to_path_buf),
            name: name.to_owned(),
            open: Mutex::new(None),
        }
    }

    /// The open connection, or a new one.
    pub(super) async fn client(&self) -> Result<Client, ConnectError> {
        let mut open = self.open.lock().await;
        if let Some(client) = open
            .as_ref()
            .filter(|client| client.connection_state() == State::Connected)
        {
            return Ok(client.clone());
        }
        let client = dial(&self.urls, self.creds.as_deref(), &self.name, |_| ()).await?;
        *open = Some(client.clone());
        Ok(client)
    }

    /// Gives it up: something that came over it could not be read.
    pub(super) async fn give_up(&self) {
        *self.open.lock().await = None;
    }

    /// Gives `lost` up, unless another one has been opened since.
    pub(super) async fn give_up_that(&self, lost: &Client) {
        let mut open = self.open.lock().await;
        let id = |client: &Client| client.server_info().client_id;
        if open.as_ref().is_some_and(|client| id(client) == id(lost)) {
            *open = None;
        }
    }
}
