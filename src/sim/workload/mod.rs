//! What arrives, when, and how long it runs.
//!
//! [`job`] is the vocabulary. Workloads are put together from [`draws`] (random numbers), [`gaps`] (arrivals) and
//! [`sizes`] (tokens and service).

mod job;

mod draws;
mod gaps;
mod sizes;

#[cfg(test)]
mod stat;

pub use job::{Client, Job, Source, WorkClass, Workload};
