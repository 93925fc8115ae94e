//! What is said of what is seen, in tables and whatever is seen.

mod elsewhere;
mod queued;
mod random;
mod stage;
