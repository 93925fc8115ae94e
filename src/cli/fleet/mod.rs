//! `worker ls`, `get`, `cordon`, `uncordon` and `drain`: the workers there are, and telling one what to do.
//!
//! [`args`] is the tree, [`show`] lists them, [`order`] tells.

mod args;
mod order;
mod show;

pub(super) use args::{Command, run};
