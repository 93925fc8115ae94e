//! What people write, checked once and turned into what the program acts on.
//!
//! [`policy`] reads the policy document: YAML in, [`crate::policy::Policy`] or every fault out.
//! [`LivePolicy`] holds the one that a process acts on. [`settings`] reads how one process is to run: flags, environment, TOML file, defaults. It is
//! the only place that reads the process environment.

mod live;
mod nearest;
pub mod policy;
pub mod settings;

pub use live::{LivePolicy, OnTrial, Refused};
pub use policy::{
    DEFAULT_POLICY_YAML, Difference, Effective, Fault, Faults, Origin, default_policy, differences, explain,
    parse_policy, policy_reference, policy_schema,
};
pub use settings::{Raw, Settings, SettingsFaults, load_settings, process_environment, redact_url};
