//! One binary for all integration tests.

mod support;

mod bad_input;
mod bad_subjects;
#[cfg(feature = "embed")]
mod demo_role;
mod dev_role;
mod dev_server;
#[cfg(feature = "embed")]
mod embeddings;
mod failures;
mod fairness;
mod limits;
mod outage;
mod process;
mod process_pool;
mod streams_role;
mod survival;
mod urgent;
mod verdicts;
