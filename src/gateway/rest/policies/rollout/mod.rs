//! `/v1/policy/rollout`: [`begin`] puts a document on trial, [`status`] tells where that stands, and [`steer`] is what
//! people may do meanwhile; by [`place`] they say which rollout they mean.

pub(in crate::gateway::rest) mod begin;
mod place;
pub(in crate::gateway::rest) mod status;
pub(in crate::gateway::rest) mod steer;
