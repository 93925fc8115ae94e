//! `policy replay`, and the same before a rollout begins: what another policy would have done to recorded tasks.
//!
//! [`args`] is what may be asked for, [`command`] the command of its own, [`compare`] what both do.

mod args;
mod command;
mod compare;

pub(super) use args::{Asked, Gate};
pub(super) use command::{Args, run};
pub(super) use compare::{compare, noted, text};
