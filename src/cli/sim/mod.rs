//! `sim`: scheduling policies over workloads, on a virtual clock.
//!
//! [`args`] is what may be asked for, with [`numbers`] of which form, [`policies`] turns names and documents into plans,
//! [`runs`] carries them out and [`show`] prints what came out.
//! [`tune`] searches weights with [`simplex`], and says what it [`found`].

mod args;
mod found;
mod numbers;
mod policies;
mod runs;
mod show;
mod simplex;
mod tune;

pub(super) use args::{Args, run};
