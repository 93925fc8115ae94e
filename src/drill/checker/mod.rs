//! Judges a mesh from outside. It shares no code with it, not even the client: what the mesh believes of itself
//! is not evidence.
//!
//! [`client`] talks to the server, [`watch`] follows what ends, [`judge`] compares what was accepted with what is
//! there; [`journal`] reads what was executed, [`promises`] compares that with what tasks were promised.

mod client;
mod journal;
mod judge;
mod promises;
mod watch;

pub(super) use client::Client;
pub use client::Trouble;
pub(super) use journal::{Lives, Run, runs};
pub(super) use judge::{Findings, Observed, judge};
pub(super) use promises::{Breach, DEPENDENCY_FAILED, Promise, examine, lost_keys};
pub(super) use watch::Watch;
