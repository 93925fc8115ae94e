//! One binary for all integration tests.

#[cfg(feature = "embed")]
mod embeddings;
