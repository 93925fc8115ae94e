//! `bench`: every run on a nats-server of its own.
//!
//! [`args`] is the tree, [`stage`] a server with its streams, consumers and workers; [`throughput`] measures the mesh
//! against a bare client loop, [`failing`] one class beside another that always fails, [`priority`] one lane beside
//! another that is flooded, [`retries`] how late retries come and what the coordinator takes for them, [`cancel`] how
//! soon a slot is free again, [`batch`] what it brings that tasks share the runs of a model, [`tenants`] what one
//! tenant costs the others, [`rates`] whether a rate holds over many workers, [`rollout`] how a policy on
//! trial ends, of which [`picture`] is drawn.

mod args;
mod batch;
mod cancel;
mod failing;
mod picture;
mod priority;
mod rates;
mod retries;
mod rollout;
mod stage;
mod tenants;
mod throughput;

pub(super) use args::{Args, run};
