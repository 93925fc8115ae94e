//! A nats-server of one's own, for `fairlane dev`, for tests and for benches.
//!
//! [`Server`] starts it and tells its address. It runs under a guard, a process of this same
//! executable, which ends it and removes its folder as soon as the holder is gone, by whatever way:
//!
//! ```text
//! holder ──pipe──▶ fairlane __guard ──▶ fairlane __child ⇒ nats-server   (⇒ is exec)
//! ```
//!
//! [`Mesh`] is a whole mesh in this process: streams, a coordinator, workers.
//!
//! Invariant: as long as one of holder and guard gets to run, nothing stays behind.

mod config;
mod duty;
mod guard;
mod hidden;
mod log;
mod mesh;
mod reply;
mod server;
mod start;
mod version;

pub use config::{ServerOptions, SyncInterval};
pub use hidden::hidden_command;
pub use mesh::{Mesh, MeshError, MeshOptions, lay_streams};
pub use server::Server;
pub use start::StartError;
