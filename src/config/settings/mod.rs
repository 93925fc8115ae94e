//! How one process is to run: flag over environment over TOML file over default.
//!
//! `keys` names each setting in every layer, `layer` is one layer, `load` merges them,
//! `check` says what each may be. Each fault names the layer its value comes from.

mod check;
mod keys;
mod layer;
mod load;
mod raw;
mod redact;
mod validated;

#[cfg(test)]
mod tests;

pub use load::{load_settings, process_environment};
pub use raw::Raw;
pub use redact::redact_url;
pub use validated::{Settings, SettingsFaults};
