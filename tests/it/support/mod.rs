//! What integration tests start from: a nats-server of their own.

mod nats;

pub(crate) use nats::{options, program, server};
