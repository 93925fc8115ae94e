//! From layers to settings.

use std::collections::BTreeMap;
use std::path::Path;

use figment::Figment;

use super::check::Check;
use super::keys::CONFIG_VARIABLE;
use super::layer::Layer;
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
    let mut faults = Vec::new();
    let named = environment
        .get(CONFIG_VARIABLE)
        .filter(|path| !path.is_empty())
        .map(Path::new);
    let mut figment = Figment::from(Layer::defaults());
    if let Some(path) = config.or(named) {
        figment = figment.merge(Layer::file(path, &mut faults));
    }
    figment = figment
        .merge(Layer::environment(environment, &mut faults))
        .merge(Layer::flags(flags));
    let mut check = Check { figment, faults };
    let settings = check.settings();
    match settings {
        Some(settings) if check.faults.is_empty() => Ok(settings),
        _ => Err(SettingsFaults(check.faults)),
    }
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
