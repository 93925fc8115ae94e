//! A simulator: the scheduler and the policies that workers run, over made or recorded workloads, on a virtual clock.
//!
//! Reading order: [`workload`] says what arrives, [`record`] what became of it, [`report`] what that amounts to.
//! Everything is drawn from a seed: the same seed gives the same report, byte for byte.

mod mesh;
pub mod record;
pub mod report;
pub mod workload;
