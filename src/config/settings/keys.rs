//! Which settings there are, and what each is called in every layer.

/// The variable that names the TOML file; it is no key, since a file cannot name itself.
pub(super) const CONFIG_VARIABLE: &str = "FAIRLANE_CONFIG";

/// Variables of ours begin with this; any other one with it is a mistake.
pub(super) const PREFIX: &str = "FAIRLANE_";

/// One setting's names; the flag is the key with dashes.
pub(super) struct Key {
    pub(super) key: &'static str,
    pub(super) variable: &'static str,
    pub(super) form: Form,
}

/// What a variable's text is read as.
#[derive(PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Whole,
}

/// Every setting.
pub(super) const KEYS: [Key; 13] = [
    text("nats_url", "NATS_URL"),
    text("nats_creds", "NATS_CREDS"),
    text("http_listen", "FAIRLANE_HTTP_LISTEN"),
    text("metrics_listen", "FAIRLANE_METRICS_LISTEN"),
    text("callback_key", "FAIRLANE_CALLBACK_KEY"),
    text("policy", "FAIRLANE_POLICY"),
    whole("slots", "FAIRLANE_SLOTS"),
    text("worker_id", "FAIRLANE_WORKER_ID"),
    text("worker_labels", "FAIRLANE_WORKER_LABELS"),
    text("log", "FAIRLANE_LOG"),
    text("nats_server", "FAIRLANE_NATS_SERVER"),
    text("model_dir", "FAIRLANE_MODEL_DIR"),
    whole("drain_ms", "FAIRLANE_DRAIN_MS"),
];

const fn text(key: &'static str, variable: &'static str) -> Key {
    Key {
        key,
        variable,
        form: Form::Text,
    }
}

const fn whole(key: &'static str, variable: &'static str) -> Key {
    Key {
        key,
        variable,
        form: Form::Whole,
    }
}

/// Variables of the same prefix that the scripts beside the program read; not settings of it.
#[cfg(not(feature = "failpoints"))]
pub(super) const SCRIPT_VARIABLES: [&str; 2] = ["FAIRLANE_CACHE", "FAIRLANE_CLIENTS"];
/// The same, and those of tests and drills: where the process ends, and where executions are written down.
#[cfg(feature = "failpoints")]
pub(super) const SCRIPT_VARIABLES: [&str; 4] = [
    "FAIRLANE_CACHE",
    "FAIRLANE_CLIENTS",
    crate::failpoint::VARIABLE,
    crate::failpoint::JOURNAL,
];
