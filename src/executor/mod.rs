//! Executors: what a worker runs a task on.
//!
//! [`contract`] is what each of them promises; `simulate` only waits, `embed` is a real model,
//! `process` runs models in child processes. `batch` lets tasks share the runs of a model.
//! `registry` holds the ones a worker has, by model.

pub mod batch;
pub mod contract;
#[cfg(feature = "embed")]
pub mod embed;
pub mod process;
pub mod registry;
pub mod simulate;

pub use contract::{Cost, Executed, Executor, Job, Outcome};
pub use registry::{Executors, Host, RegistryError};
