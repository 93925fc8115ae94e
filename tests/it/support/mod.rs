//! What integration tests start from: a nats-server of their own, and a look at processes.

mod guarded;
mod nats;
pub(crate) mod process;

pub(crate) use guarded::Guarded;
pub(crate) use nats::{options, program, server};
