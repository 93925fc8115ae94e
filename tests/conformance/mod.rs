//! What docs/protocol.md asks of a worker, asked of three: our own, the one in `examples/python` and
//! the one in `examples/node`, each as a process of its own.
//!
//! [`table`] makes a test of every scenario and worker, [`clients`] finds the interpreters, [`site`]
//! is the mesh they work on; the other files hold the scenarios.

pub(crate) mod clients;

mod site;
mod worker;

mod bodies;
mod callbacks;
mod cancels;
mod failures;
mod fences;
mod order;
mod results;
mod stops;

mod table;
