//! Models in child processes that speak lines of JSON, in any language.
//!
//! docs/process-executor.md is the contract with the child. [`pool`] is the executor: it queues a task
//! and waits for the answer. One [`keeper`] per place owns one process at a time, hands it one task
//! after the other, and replaces it; [`running`] is that process and [`body`] its end, started by [`spawner`], [`stderr`]
//! what it says beside. Pure are [`message`] (the lines), [`throttle`] (how much of stderr is logged)
//! and [`backoff`]; [`lines`] bounds what is read, [`health`] is what a pool knows of its processes.
//!
//! Invariant: whatever a child does, its task fails as that task's own failure, and a child that
//! broke the contract once gets no further task.

mod backoff;
mod body;
mod health;
mod keeper;
mod lines;
mod message;
mod pool;
mod queue;
mod running;
mod spawner;
mod stderr;
mod throttle;

pub use pool::{Pool, PoolOptions};
