//! `doctor`: what is wrong here, and what to do about it.
//!
//! [`run`] asks and prints, [`facts`] is what was learned, the `judge_*` files turn facts into
//! [`finding`]s without asking anybody, [`monitor`] reads a server's monitoring port.

mod facts;
mod finding;
mod judge_capacity;
mod judge_server;
mod monitor;
mod run;

pub(super) use run::{Args, run};
