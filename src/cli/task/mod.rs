//! `task`: submit one or many, see what became of one, wait for it, print its result.
//!
//! [`args`] is the tree. [`submit`] takes one task, made by [`ask`] from flags, and [`batch`] many,
//! which [`lines`] reads off a file and [`tally`] counts; both publish through [`accept`], which alone says
//! that a task is accepted. [`ls`] lists, [`cancel`] ends, [`get`], [`wait`] and [`result`] read, and [`record`] shows what they found; [`why`] says why one
//! has not started or ended.

mod accept;
mod args;
mod ask;
mod batch;
mod cancel;
mod get;
mod lines;
mod ls;
mod progress;
mod record;
mod result;
mod submit;
mod tally;
mod wait;
mod why;

pub(super) use accept::NotAccepted;
pub(super) use args::{Args, run};
pub(super) use ask::{body as task_body, read};
pub(super) use submit::terms;
