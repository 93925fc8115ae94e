//! What the wire promises: golden files, tables of what is refused, and properties.

pub(in crate::wire) mod sample;

mod bodies;
mod golden;
mod properties;
mod publications;
mod reports;
mod schedule;
mod submission;
mod vectors;
mod view;
