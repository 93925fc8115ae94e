//! `dlq`: the tasks that were given up, and why.
//!
//! [`args`] is the tree, [`show`] prints one letter whole, [`edit`] changes one; the rest is what `archive` does, too.

mod args;
mod edit;
mod show;

pub(super) use args::{Args, run};
