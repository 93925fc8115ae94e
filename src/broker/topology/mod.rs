//! What must exist at the server, as data, and how the server is brought to it.
//!
//! `streams/*.json` is the one source: one stream per file, in the JSON that `nats stream add
//! --config` takes as well. [`spec`] reads them, [`compare`] says in which named fields two streams
//! differ, [`plan`] turns that into what is to be done, [`rule`] knows what a live stream cannot
//! become, [`server`] asks the server, [`apply`] changes it.
//!
//! Only fields that a file names are compared and written: the rest is the operator's.

mod apply;
mod compare;
mod plan;
mod rule;
mod server;
mod spec;

#[cfg(test)]
mod tests;

pub use apply::{Extras, Step, apply, recall};
pub use plan::{Change, Entry, FieldChange, Plan, plan};
pub(super) use server::ask;
pub use server::{TopologyError, export};
pub use spec::{SpecError, StreamSpec, desired, is_ours};
