//! What every rule keeps, proved on queues of which everything is known.
//!
//! [`stage`] holds queues and slots, [`play`] what may happen to them; each other file proves one promise.

mod aging;
mod bypass;
mod conserving;
mod deadlines;
mod equals;
mod gap;
mod limits;
mod mlfq;
mod owed;
mod play;
mod stage;
mod strict;
mod window;
