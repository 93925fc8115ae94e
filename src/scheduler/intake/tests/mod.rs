//! What an intake does with what it is told beside answers to its pulls. All else is tested on a model of the server, in
//! `sim::mesh::tests`.

mod stale;
mod woken;
