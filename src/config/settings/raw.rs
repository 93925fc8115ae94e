//! One layer of settings as somebody wrote it: everything optional, nothing checked.

use serde::Serialize;

/// The flags of the command line. No `Debug`: the NATS URL may hold a password.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Raw {
    /// `--nats-url`: servers, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nats_url: Option<String>,
    /// `--nats-creds`: path of the credentials file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nats_creds: Option<String>,
    /// `--http-listen`: loopback address and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_listen: Option<String>,
    /// `--metrics-listen`: loopback address and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_listen: Option<String>,
    /// `--callback-key`: path of the file that holds the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_key: Option<String>,
    /// `--policy`: path of the policy document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// `--slots`: tasks at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<u64>,
    /// `--worker-id`: name in the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<String>,
    /// `--worker-labels`: `KEY=VALUE`, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_labels: Option<String>,
    /// `--log`: filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// `--nats-server`: path of the server's binary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nats_server: Option<String>,
    /// `--model-dir`: path of the model files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_dir: Option<String>,
    /// `--drain-ms`: grace on shutdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain_ms: Option<u64>,
}
