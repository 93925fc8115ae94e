//! `dlq`: the tasks that were given up, and why.
//!
//! [`args`] is the tree, [`ls`] lists, [`show`] prints one letter whole.

mod args;
mod ls;
mod show;

pub(super) use args::{Args, run};
