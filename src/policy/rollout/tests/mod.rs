//! Rollouts over seeded traffic, and what must hold of every judgement.
//!
//! `make statistics` runs a thousand seeds (`ROLLOUT_SEEDS`, read when the tests are compiled) and prints the figures that
//! docs/live-policy-statistics.md has.

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
