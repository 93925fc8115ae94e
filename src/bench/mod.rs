//! Benchmarks: the mesh against the floor, on the same server settings, payload and headers.
//!
//! [`workload`] is what both are given, [`rate`] measures tasks per second, [`start`] the time from
//! publish to executor start, [`summary`] puts the pairs together.

mod rate;
mod start;
mod summary;
mod workload;

pub use rate::{Run, floor, mesh};
pub use start::{Started, start_latency};
pub use summary::{Conditions, Latency, Pair, Summary};
pub use workload::{Noop, POLICY, SLOTS, Workload};
