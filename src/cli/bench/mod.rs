//! `bench`: every run on a nats-server of its own.
//!
//! [`args`] is the tree, [`stage`] a server with its streams, consumers and workers; [`throughput`] measures the mesh
//! against a bare client loop, [`failing`] one class beside another that always fails, [`priority`] one lane beside
//! another that is flooded, [`retries`] how late retries come and what the coordinator takes for them, [`cancel`] how
//! soon a slot is free again, [`tenants`] what one tenant costs the others. again, [`rates`] whether a rate holds over
//! many workers.

mod args;
mod cancel;
mod failing;
mod priority;
mod rates;
mod retries;
mod stage;
mod tenants;
mod throughput;

pub(super) use args::{Args, run};
