//! `dlq`: the tasks that were given up, and why.
//!
//! [`args`] is the tree, [`show`] prints one letter whole; the rest is what `archive` does, too.

mod args;
mod show;

pub(super) use args::{Args, run};
