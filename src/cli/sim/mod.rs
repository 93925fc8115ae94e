//! `sim`: scheduling policies over workloads, on a virtual clock.
//!
//! [`args`] is what may be asked for, [`policies`] turns names and documents into plans, [`runs`] carries them out and
//! [`show`] prints what came out.

mod args;
mod policies;
mod runs;
mod show;

pub(super) use args::{Args, run};
