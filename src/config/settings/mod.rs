//! How one process is to run: flag over environment over TOML file over default.

mod load;
mod raw;
mod redact;
mod validated;

pub use load::{load_settings, process_environment};
pub use raw::Raw;
pub use redact::redact_url;
pub use validated::{Settings, SettingsFaults};
