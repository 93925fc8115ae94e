//! The policy of a running mesh is changed: who acts on it when, and what becomes of tasks meanwhile.

mod canary;
mod chosen;
mod classes;
mod compared;
mod covered;
mod documents;
mod doors;
mod fleet;
mod holds;
mod limits;
mod manned;
mod restart;
mod rollouts;
mod shadow;
mod storm;
