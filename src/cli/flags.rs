//! Settings as flags: each command takes the groups it needs, each group fills its part of the
//! layer that [`crate::config`] merges. Nothing is checked here and no default stands here.

use std::path::PathBuf;

use clap::Args;

use super::output::Format;
use crate::config::Raw;
use crate::telemetry::LogFormat;

/// Flags that stand before or after any command.
#[derive(Args)]
pub(super) struct Global {
    /// How data is printed
    #[arg(short, long, global = true, value_enum, default_value_t, value_name = "FORM")]
    output: Format,
    /// The same as --output json
    #[arg(long, global = true)]
    json: bool,
    /// TOML file of settings [env: FAIRLANE_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// NATS servers, separated by commas [env: NATS_URL]
    #[arg(long, visible_alias = "nats", global = true, value_name = "URL")]
    nats_url: Option<String>,
    /// NATS credentials [env: NATS_CREDS]
    #[arg(long, visible_alias = "creds", global = true, value_name = "FILE")]
    nats_creds: Option<String>,
    /// What is logged, such as info or fairlane=debug,warn [env: FAIRLANE_LOG]
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
    /// How a line of the log looks
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub(super) log_format: LogFormat,
}

impl Global {
    pub(super) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output }
    }

    pub(super) fn fill(&self, raw: &mut Raw) {
        raw.nats_url.clone_from(&self.nats_url);
        raw.nats_creds.clone_from(&self.nats_creds);
        raw.log.clone_from(&self.log);
    }
}
