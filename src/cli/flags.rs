//! Settings as flags: each command takes the groups it needs, each group fills its part of the
//! layer that [`crate::config`] merges. Nothing is checked here and no default stands here.

use std::path::PathBuf;

use clap::Args;

use super::output::Format;
use crate::config::Raw;
use crate::telemetry::LogFormat;

/// Where [`Global`] stands in the help.
pub(super) const HEADING: &str = "Everywhere";

/// Flags that stand before or after any command.
#[derive(Args)]
pub(super) struct Global {
    /// How data is printed; svg is for sim and bench rollout
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    #[arg(hide_default_value = true, value_name = "table|json|svg", help_heading = HEADING)]
    output: Format,
    /// The same as --output json
    #[arg(long, global = true, help_heading = HEADING)]
    json: bool,
    /// TOML file of settings [env: FAIRLANE_CONFIG]
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub(super) config: Option<PathBuf>,
    /// NATS servers, separated by commas [env: NATS_URL]
    #[arg(long, visible_alias = "nats", global = true, value_name = "URL", help_heading = HEADING)]
    nats_url: Option<String>,
    /// NATS credentials [env: NATS_CREDS]
    #[arg(long, visible_alias = "creds", global = true, value_name = "FILE", help_heading = HEADING)]
    nats_creds: Option<String>,
    /// What is logged, such as info or fairlane=debug,warn [env: FAIRLANE_LOG]
    #[arg(long, global = true, value_name = "LEVEL", help_heading = HEADING)]
    log: Option<String>,
    /// How a line of the log looks
    #[arg(long, global = true, value_enum, default_value_t, hide_possible_values = true)]
    #[arg(hide_default_value = true, value_name = "text|json", help_heading = HEADING)]
    pub(super) log_format: LogFormat,
}

impl Global {
    pub(super) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output }
    }

    /// Whether data is asked for in two forms at once.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.json && self.output == Format::Svg
    }

    pub(super) fn fill(&self, raw: &mut Raw) {
        raw.nats_url.clone_from(&self.nats_url);
        raw.nats_creds.clone_from(&self.nats_creds);
        raw.log.clone_from(&self.log);
    }
}

/// Settings of a command that runs tasks.
#[derive(Args)]
pub struct Worker {
    /// Tasks at once [env: FAIRLANE_SLOTS]
    #[arg(long, value_name = "N")]
    slots: Option<u64>,
    /// Name in results and reports; unique per start where absent [env: FAIRLANE_WORKER_ID]
    #[arg(long, value_name = "ID")]
    worker_id: Option<String>,
    /// What it is told apart by in rollouts: KEY=VALUE, several with commas [env: FAIRLANE_WORKER_LABELS]
    #[arg(long, value_name = "LABELS")]
    worker_labels: Option<String>,
    /// Folder of model files [env: FAIRLANE_MODEL_DIR]
    #[arg(long, value_name = "DIR")]
    model_dir: Option<String>,
}

impl Worker {
    /// Puts these flags into `raw`.
    pub fn fill(&self, raw: &mut Raw) {
        raw.slots = self.slots;
        raw.worker_id.clone_from(&self.worker_id);
        raw.worker_labels.clone_from(&self.worker_labels);
        raw.model_dir.clone_from(&self.model_dir);
    }
}

/// Settings of a command that runs until it is stopped.
#[derive(Args)]
pub struct Role {
    /// Policy document; without it, the built-in one [env: FAIRLANE_POLICY]
    #[arg(long, value_name = "FILE")]
    policy: Option<String>,
    /// Loopback address for metrics [env: FAIRLANE_METRICS_LISTEN]
    #[arg(long, value_name = "IP:PORT")]
    metrics_listen: Option<String>,
    /// Grace for running tasks on shutdown [env: FAIRLANE_DRAIN_MS]
    #[arg(long, value_name = "MS")]
    drain_ms: Option<u64>,
}

impl Role {
    /// Puts these flags into `raw`.
    pub fn fill(&self, raw: &mut Raw) {
        raw.policy.clone_from(&self.policy);
        raw.metrics_listen.clone_from(&self.metrics_listen);
        raw.drain_ms = self.drain_ms;
    }
}

/// Settings of a command that delivers results.
#[derive(Args)]
pub struct Callbacks {
    /// File of the key that callbacks are signed with [env: FAIRLANE_CALLBACK_KEY]
    #[arg(long, value_name = "FILE")]
    callback_key: Option<String>,
}

impl Callbacks {
    /// Puts these flags into `raw`.
    pub fn fill(&self, raw: &mut Raw) {
        raw.callback_key.clone_from(&self.callback_key);
    }
}

/// Settings of a command that takes submissions.
#[derive(Args)]
pub struct Http {
    /// Loopback address for REST; 127.0.0.1:7070 where absent [env: FAIRLANE_HTTP_LISTEN]
    #[arg(long, value_name = "IP:PORT")]
    http_listen: Option<String>,
}

impl Http {
    /// Puts these flags into `raw`.
    pub fn fill(&self, raw: &mut Raw) {
        raw.http_listen.clone_from(&self.http_listen);
    }
}

/// Settings of a command that starts a nats-server of its own.
#[derive(Args)]
pub struct Server {
    /// The nats-server to start [env: FAIRLANE_NATS_SERVER]
    #[arg(long, value_name = "FILE")]
    nats_server: Option<String>,
}

impl Server {
    /// Puts these flags into `raw`.
    pub fn fill(&self, raw: &mut Raw) {
        raw.nats_server.clone_from(&self.nats_server);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    /// Every group at once, as no command takes them.
    #[derive(Parser)]
    struct All {
        #[command(flatten)]
        global: Global,
        #[command(flatten)]
        worker: Worker,
        #[command(flatten)]
        role: Role,
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        http: Http,
        #[command(flatten)]
        callbacks: Callbacks,
    }

    #[test]
    fn every_setting_has_a_flag_of_its_name() {
        let flags = "--nats-url=u --nats-creds=c --metrics-listen=m --http-listen=h --callback-key=k --policy=p --slots=1 --worker-id=w \
                     --worker-labels=a=b --log=l --nats-server=s --model-dir=d --drain-ms=2";
        let all = All::parse_from(std::iter::once("fairlane").chain(flags.split_whitespace()));
        let mut raw = Raw::default();
        all.global.fill(&mut raw);
        all.worker.fill(&mut raw);
        all.role.fill(&mut raw);
        all.server.fill(&mut raw);
        all.http.fill(&mut raw);
        all.callbacks.fill(&mut raw);
        // Spelled out, so that a setting without a flag does not compile.
        let Raw {
            nats_url,
            nats_creds,
            http_listen,
            metrics_listen,
            callback_key,
            policy,
            slots,
            worker_id,
            worker_labels,
            log,
            nats_server,
            model_dir,
            drain_ms,
        } = raw;
        let texts = [
            nats_url,
            nats_creds,
            http_listen,
            metrics_listen,
            callback_key,
            policy,
            worker_id,
            worker_labels,
            log,
            nats_server,
            model_dir,
        ];
        assert_eq!(
            texts.map(Option::unwrap),
            ["u", "c", "h", "m", "k", "p", "w", "a=b", "l", "s", "d"]
        );
        assert_eq!((slots, drain_ms), (Some(1), Some(2)));
    }
}
