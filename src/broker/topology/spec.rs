//! A stream as its file describes it.

use std::fmt;

use serde_json::{Map, Value};

/// Streams and KV buckets that are ours begin with one of these; no other is looked at.
const PREFIXES: [&str; 2] = ["FL_", "KV_fl_"];

/// Whether a stream of that name is ours.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Every file of `streams/`.
const FILES: [&str; 14] = [
    include_str!("../../../streams/FL_CORE.json"),
    include_str!("../../../streams/FL_NORMAL.json"),
    include_str!("../../../streams/FL_RETRY.json"),
    include_str!("../../../streams/FL_RESULTS.json"),
    include_str!("../../../streams/FL_DEAD.json"),
    include_str!("../../../streams/FL_CALLBACKS.json"),
    include_str!("../../../streams/FL_ARCHIVE.json"),
    include_str!("../../../streams/FL_HELD.json"),
    include_str!("../../../streams/FL_EVENTS.json"),
    include_str!("../../../streams/FL_ADVISORIES.json"),
    include_str!("../../../streams/KV_fl_tasks.json"),
    include_str!("../../../streams/KV_fl_control.json"),
    include_str!("../../../streams/KV_fl_registry.json"),
    include_str!("../../../streams/KV_fl_policy.json"),
];

/// A stream's configuration, as JSON with the server's own names.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSpec {
    name: String,
    /// Invariant: holds `name`.
    config: Map<String, Value>,
}

/// No stream's configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a stream's configuration is a JSON object with a text `name`")]
pub struct SpecError;

impl StreamSpec {
    /// Takes a configuration as it is.
    ///
    /// # Errors
    /// [`SpecError`] when it is no object or has no name.
    pub fn new(config: Value) -> Result<Self, SpecError> {
        let Value::Object(config) = config else {
            return Err(SpecError);
        };
        let name = config
            .get("name")
            .and_then(Value::as_str)
            .ok_or(SpecError)?
            .to_owned();
        Ok(Self { name, config })
    }

    /// The stream's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the server forgets it when it is started anew.
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        self.config.get("storage").and_then(Value::as_str) == Some("memory")
    }

    /// Its fields.
    #[must_use]
    pub fn config(&self) -> &Map<String, Value> {
        &self.config
    }
}

/// The file's text.
impl fmt::Display for StreamSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", Value::Object(self.config.clone()))
    }
}

/// What must exist, in the order in which it is created.
#[must_use]
pub fn desired() -> Vec<StreamSpec> {
    FILES.iter().map(|text| read(text)).collect()
}

fn read(text: &str) -> StreamSpec {
    serde_json::from_str(text)
        .map_err(|error| error.to_string())
        .and_then(|config| StreamSpec::new(config).map_err(|error| error.to_string()))
        .unwrap_or_else(|error| unreachable!("an embedded stream file, which a test reads: {error}"))
}
