//! `demo`: a whole mesh on this machine, with real sentences through a real embedding model.
//!
//! [`run`] is the course of it, [`material`] the sentences, [`report`] what is printed at the end.

mod material;
mod report;
mod run;

pub(super) use material::sentences;
pub(super) use run::{Args, run};
