//! A simulator: the scheduler and the policies that workers run, over made or recorded workloads, on a virtual clock.
//!
//! Reading order: [`workload`] says what arrives, [`plan`] under which policy and by whom it is served, [`run`] runs it:
//! `ideal` by one scheduler that knows all, `mesh` by workers that know what real ones know. [`record`] is what became of
//! it, [`report`] what that amounts to, [`whatif`] compares two policies over what was recorded. Everything is drawn from a seed: the same seed gives the same report, byte for byte.

mod ideal;
mod mesh;
mod outcome;
pub mod plan;
pub mod record;
pub mod report;
mod run;
mod task;
#[cfg(test)]
mod tests;
pub mod whatif;
pub mod workload;

pub use mesh::{LIMIT_FAR, seed_of_worker};
pub use run::{explain, log, run};
pub use task::Hints;
