//! `/v1/policy/rollout`: [`begin`] puts a document on trial, [`status`] tells where that stands, and [`steer`] is what
//! people may do meanwhile.

pub(in crate::gateway::rest) mod begin;
pub(in crate::gateway::rest) mod status;
pub(in crate::gateway::rest) mod steer;
