//! Workers over a model of the server: the real intake, one virtual clock, no real time.
//!
//! Reading order: [`consumer`] is one pull consumer as it was measured, [`worker`] an intake with
//! its slots, [`world`] moves time and messages, [`shell`] does what a worker does, [`coordinator`] what all others do, [`setup`] says what a
//! world is made of.

mod consumer;
mod coordinator;
mod event;
mod lending;
mod run;
mod setup;
mod shell;
mod worker;
mod world;

#[cfg(test)]
mod tests;

pub(super) use run::{log, reasons, run};
pub use setup::{FAR as LIMIT_FAR, seed_of_worker};
