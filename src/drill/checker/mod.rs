//! Judges a mesh from outside. It shares no code with it, not even the client: what the mesh believes of itself
//! is not evidence.
//!
//! [`client`] talks to the server, [`watch`] follows what ends, [`judge`] compares what was accepted with what is
//! there.

mod client;
mod judge;
mod watch;

pub(super) use client::Client;
pub use client::Trouble;
pub(super) use judge::{Findings, Observed, judge};
pub(super) use watch::Watch;
