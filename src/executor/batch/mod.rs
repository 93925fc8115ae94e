//! Tasks that share the runs of a model, whatever their class.
//!
//! [`model`] is what a model must be able to do for that, [`executor`] what a worker sees. Behind it one `owner` per
//! model holds the tasks: it has each one's input read, gives it to the batch window of [`crate::scheduler::batch`],
//! and has one batch at a time computed. `run` is what blocks, `bill` divides the time of a run among those who shared it.
//!
//! Invariant: whatever an input does to the model, the other tasks of its batch get their answers.

mod bill;
mod executor;
mod model;
mod owner;
mod run;
#[cfg(test)]
mod tests;

pub use executor::Batching;
pub use model::{Answer, Model, Prepared, Refusal};
