//! The intake against a small model of the server: many workers, one virtual clock, no real time.
//!
//! Reading order: [`consumer`] is one pull consumer as it was measured, [`worker`] an intake with
//! its slots, [`world`] moves time and messages, [`shell`] does what a worker does, [`setup`] says what a world is made
//! of. The other files prove behaviour.

mod consumer;
mod event;
mod setup;
mod shell;
mod worker;
mod world;

mod conserving;
mod effort;
mod leaving;
mod limits;
mod random;
mod shares;
mod slow;
mod urgent;
