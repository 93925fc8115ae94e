//! One binary for all integration tests.

mod support;

mod bad_input;
mod dev_role;
mod dev_server;
#[cfg(feature = "embed")]
mod embeddings;
mod failures;
mod fairness;
mod limits;
mod survival;
mod urgent;
mod verdicts;
