//! One binary for all integration tests.

mod support;

mod bad_input;
mod bad_subjects;
mod dev_role;
mod dev_server;
#[cfg(feature = "embed")]
mod embeddings;
mod failures;
mod fairness;
mod limits;
mod outage;
mod survival;
mod urgent;
mod verdicts;
