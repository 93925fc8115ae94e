//! Tasks that wait before they are queued: which of them may go, which never will, and what they wait for that is to
//! be moved up because they are more urgent than it.
//!
//! Reading order: [`urgency`] puts lane and priority into one number, [`board`] keeps who waits for whom,
//! [`keys`] who waits for a key.

mod board;
mod keys;
#[cfg(test)]
mod tests;
mod urgency;

pub use board::{Board, Step};
pub use urgency::{lane_of, urgency};
