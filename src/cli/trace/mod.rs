//! `trace`: what ran, as a file that the simulator replays.
//!
//! [`args`] is the tree, [`when`] how a time is given, [`export`] writes the file and [`show`] says what is in it.

mod args;
mod export;
mod show;
mod when;

pub(super) use args::{Args, run};
