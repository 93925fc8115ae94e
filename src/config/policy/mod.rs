//! The policy document: YAML in, a validated [`crate::policy::Policy`] or every fault out.

mod fault;
mod parse;

pub use fault::{Fault, Faults};
pub use parse::{DEFAULT_POLICY_YAML, default_policy, parse_policy};
