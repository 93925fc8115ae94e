//! What arrives, when, and how long it runs.
//!
//! [`job`] is the vocabulary, [`spec`] what may be asked for and [`kind`] by which name; [`build`] makes it. The
//! kinds are [`reference`], [`inference`] (code, conv, mix), [`flood`], [`tenants`] and the rows of a [`trace`]. They
//! are put together from [`draws`] (random numbers), [`gaps`] (arrivals), [`sizes`] (tokens and service), [`payers`]
//! (tenants), [`tasks`] and [`flow`].

mod error;
mod job;
mod kind;
mod spec;

mod build;

mod flood;
mod inference;
mod reference;
mod tenants;
mod trace;

mod class;
mod draws;
mod flow;
mod gaps;
mod payers;
mod sizes;
mod tasks;

#[cfg(test)]
mod stat;
#[cfg(test)]
mod tests;

pub use build::build;
pub use error::WorkloadError;
pub use job::{Client, Job, Source, WorkClass, Workload};
pub use kind::{Kind, UnknownKind};
pub use spec::{Length, Presence, Spec};
pub use trace::{Left, LineFault, Recording, Summary, Trace, TraceError, Wanted};
