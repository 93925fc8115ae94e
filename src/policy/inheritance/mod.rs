//! Priority inheritance: what others wait for is as urgent as the most urgent of them.
//!
//! A task waits for those it depends on, and for whoever holds its `concurrency_key`. Its effective priority is the
//! lowest number among its own and the effective priorities of all that wait for it, so that nothing urgent is
//! stuck behind something that is not.
//!
//! Reading order: [`waits`] is the vocabulary and what can happen, [`graph`] keeps the effective priorities,
//! [`chain`] finds the loops and the chains that are too long.

mod chain;
mod graph;
#[cfg(test)]
mod tests;
mod waits;

pub use waits::{CHAIN_MAX, Change, Party, Waits, WaitsError};
