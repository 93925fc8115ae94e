//! What every command is given: settings, a place for its data, a way to the broker.

use super::output::Output;
use crate::broker::{Broker, ConnectError};
use crate::config::Settings;

/// One run of one command.
pub(super) struct Session {
    pub(super) settings: Settings,
    pub(super) output: Output,
}

impl Session {
    /// Connects; operators see `fairlane-cli` at the server.
    pub(super) async fn connect(&self) -> Result<Broker, ConnectError> {
        let creds = self.settings.nats_creds.as_deref();
        Broker::connect(&self.settings.nats_url, creds, "fairlane-cli").await
    }
}
