//! What changes from one policy to another, in words.
//!
//! `side` is one of the two as it was read, `pair` an option of both, `compare` goes through them all.

mod compare;
mod pair;
mod side;

#[cfg(test)]
mod tests;

pub use compare::{Difference, differences};
