//! `queue`: what waits and runs per class and lane, and holding it back.
//!
//! [`args`] is the tree, [`ls`] shows, [`hold`] pauses, resumes and drains.

mod args;
mod hold;
mod ls;

pub(super) use args::{Args, run};
