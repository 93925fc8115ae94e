//! `schedule`: tasks that come again and again.
//!
//! [`args`] is the tree, [`add`] makes one, [`ls`] shows them, [`change`] pauses, resumes and removes.

mod add;
mod args;
mod change;
mod ls;

pub(super) use args::{Args, run};
