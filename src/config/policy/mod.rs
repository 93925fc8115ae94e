//! The policy document: YAML in, a validated [`crate::policy::Policy`] or every fault out.
//!
//! `node` keeps the document as a tree with places, because serde would stop at the first
//! fault; `section` and `value` read it key by key; one file per part of the document says
//! which keys there are, with type, range and default. What is read is also noted (`note`, `kind`): `explain` tells
//! what holds, `differences` what changes, `description` which options there are.

mod classes;
mod consumers;
mod description;
mod differences;
mod explain;
mod fault;
mod keys;
mod kind;
mod lanes;
mod models;
mod node;
mod note;
mod overload;
mod parse;
mod process;
mod rate;
mod retry;
mod rules;
mod scheduler;
mod section;
mod value;

#[cfg(test)]
mod default_tests;
#[cfg(test)]
mod explain_tests;
#[cfg(test)]
mod scheduler_tests;
#[cfg(test)]
mod tests;

pub use description::{policy_reference, policy_schema};
pub use differences::{Difference, differences};
pub use explain::{Effective, Origin, explain};
pub use fault::{Fault, Faults};
pub use parse::{DEFAULT_POLICY_YAML, default_policy, parse_policy};
