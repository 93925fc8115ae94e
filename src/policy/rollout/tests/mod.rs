//! Rollouts over seeded traffic, and what must hold of every judgement.
//!
//! `ROLLOUT_SEEDS=1000 cargo test --lib -- policy::rollout --nocapture` runs that many seeds and prints the figures that
//! docs/live-policy-statistics.md has; it is read when the tests are compiled.

mod bounds;
mod detection;
mod false_alarms;
mod many;
mod pools;
mod properties;
mod rulings;
mod scenes;
pub(in crate::policy) mod shared;
mod tracks;
mod traffic;
