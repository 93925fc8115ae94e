//! What integration tests start from: a nats-server of their own, a mesh on it, an executor to
//! look through, and a look at processes.

mod answers;
mod bare;
pub(crate) mod cli;
mod clocked;
mod door;
mod guarded;
mod handler;
mod mesh;
mod nats;
mod probe;
pub(crate) mod process;
mod raw;
mod receiver;
mod role;
mod turn;

pub(crate) use answers::{Answer, Answers};
pub(crate) use bare::{Bare, Heard};
pub(crate) use clocked::{Clocked, Times, most_owed};
pub(crate) use door::{Answered, Door};
pub(crate) use guarded::Guarded;
pub(crate) use handler::{Handler, job, pool_of};
pub(crate) use mesh::{FOUR_CLASSES, Mesh, PATIENCE, TWO_CLASSES, connect};
pub(crate) use nats::{keeping, options, program, server};
pub(crate) use probe::{PASSES, Probe, Starts};
pub(crate) use raw::publish_raw;
pub(crate) use receiver::Receiver;
pub(crate) use role::Role;
pub(crate) use turn::Turn;
