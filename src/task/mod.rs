//! What a task is: its names, where it travels, its states and how it can fail.
//!
//! Everything here is data and pure functions: no I/O, no clock, no serde. Each name is
//! validated once, by its type, so that building a subject or a header from it cannot fail.

mod envelope;
mod failure;
mod key;
mod lane;
mod model;
mod moment;
mod name;
mod route;
mod shard;
mod state;
mod tenancy;

#[cfg(test)]
mod life_tests;

pub use envelope::{Task, TaskFacts};
pub use failure::{BlockedOn, DeadReason, ErrorKind, EventKind, ParkReason};
pub use key::KeyId;
pub use lane::{Lane, ParseLaneError};
pub use model::{ModelName, ModelToken};
pub use moment::{EpochMs, Moment};
pub use name::{ClassName, NameError, TaskId, TenantId, WorkerId};
pub use route::Route;
pub use shard::{ParseShardError, Shard, fnv1a_64};
pub use state::{Event, IllegalTransition, State, next};
