//! `policy`: check documents, make one hold, see and undo what was done.
//!
//! [`args`] is the tree; [`validate`] needs no server, [`apply`] changes, [`replay`] says what another would have done, [`rollout`] tries out, [`show`] and [`read`] tell.

mod ab;
mod apply;
mod args;
mod read;
mod replay;
mod rollout;
mod shadow;
mod show;
mod validate;

pub(super) use args::{Args, run};
