//! What every command is given: settings, a place for its data, a way to the broker.

use super::exit::Stop;
use super::output::Output;
use crate::broker::{Broker, ConnectError};
use crate::config::{Settings, default_policy, parse_policy};
use crate::policy::Policy;

/// One run of one command.
pub(super) struct Session {
    pub(super) settings: Settings,
    pub(super) output: Output,
}

impl Session {
    /// The policy of the settings, else the default.
    pub(super) fn policy(&self) -> anyhow::Result<Policy> {
        let Some(file) = &self.settings.policy else {
            return Ok(default_policy());
        };
        let name = file.display().to_string();
        let yaml = std::fs::read_to_string(file)
            .map_err(|error| Stop::usage(format!("cannot read the policy {name}: {error}")))?;
        parse_policy(&name, &yaml).map_err(|faults| Stop::usage(faults.to_string()).into())
    }

    /// Connects; operators see `fairlane-cli` at the server.
    pub(super) async fn connect(&self) -> Result<Broker, ConnectError> {
        let creds = self.settings.nats_creds.as_deref();
        Broker::connect(&self.settings.nats_url, creds, "fairlane-cli").await
    }
}
