//! What arrives, when, and how long it runs.
//!
//! [`job`] is the vocabulary.

mod job;

pub use job::{Client, Job, Source, WorkClass, Workload};
