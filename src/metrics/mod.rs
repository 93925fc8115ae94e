//! What each role counts, and the small HTTP server that shows it.
//!
//! One struct per role holds the handles; labels are enums. [`CATALOGUE`] is the one list of names
//! and help texts; docs/metrics.md is written from it.

mod batch;
mod catalogue;
mod class;
mod coordinator;
mod exposition;
mod gateway;
mod http;
mod label;
mod policy;
mod tally;
mod worker;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::rendered;

pub use batch::BatchMetrics;
pub use catalogue::{CATALOGUE, Entry, Kind};
pub use class::ClassMetrics;
pub use coordinator::{CoordinatorMetrics, QueueCounts};
pub use exposition::{Exposition, InstallError};
pub use gateway::GatewayMetrics;
pub use http::{Readiness, pages, serve};
pub use label::{
    BatchReason, CallbackOutcome, Door, HandBackReason, PullKind, PullOutcome, Repair, SubmissionOutcome,
    TaskOutcome, UncoveredAction,
};
pub use policy::PolicyMetrics;
pub use worker::WorkerMetrics;
