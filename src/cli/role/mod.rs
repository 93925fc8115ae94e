//! Commands that run until they are stopped: `gateway`, `worker`, `coordinator`, and `dev` with all and a
//! server of its own. [`process`] is what they share: metrics, readiness, signals, exit.

pub(super) mod coordinator;
pub(super) mod dev;
pub(super) mod gateway;
pub(super) mod process;
pub(super) mod worker;
