//! What integration tests start from: a nats-server of their own, a mesh on it, an executor to
//! look through, and a look at processes.

pub(crate) mod cli;
mod guarded;
mod mesh;
mod nats;
mod probe;
pub(crate) mod process;

pub(crate) use guarded::Guarded;
pub(crate) use mesh::{FOUR_CLASSES, Hand, Mesh, PATIENCE, connect};
pub(crate) use nats::{options, program, server};
pub(crate) use probe::{Probe, Starts};
