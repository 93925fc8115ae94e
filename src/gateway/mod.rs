//! The way in: from what a client sends to a task that can be published.
//!
//! [`admission`] decides, as a pure function of bytes, policy and time; [`identity`] names a task
//! whose client did not.

mod admission;
mod identity;
mod refusal;

#[cfg(test)]
mod admission_tests;

pub use admission::{Admitted, Asked, admit};
pub use identity::fresh_id;
pub use refusal::Refusal;
