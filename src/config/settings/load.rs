//! The layers, merged.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Raw, Settings, SettingsFaults};

/// Merges flags over `environment` over the TOML file over defaults, and checks the outcome.
/// The file is `config` (the flag `--config`), else `FAIRLANE_CONFIG` of `environment`, else none.
///
/// # Errors
/// Every fault, each naming its source.
pub fn load_settings(
    flags: &Raw,
    config: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Result<Settings, SettingsFaults> {
    let _ = (flags, config, environment);
    todo!()
}

/// The environment of this process; values that are no UTF-8 have their bad bytes replaced.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the single place that reads the process environment"
)]
pub fn process_environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .map(|(k, v)| (k.to_string_lossy().into_owned(), v.to_string_lossy().into_owned()))
        .collect()
}
