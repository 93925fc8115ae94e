//! `sim`: scheduling policies over workloads, on a virtual clock.
//!
//! [`args`] is what may be asked for, [`policies`] turns names and documents into plans, [`runs`] carries them out and
//! [`show`] prints what came out.
//! [`tune`] searches weights.

mod args;
mod policies;
mod runs;
mod show;
mod tune;

pub(super) use args::{Args, run};
