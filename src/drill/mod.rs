//! Drills: a whole mesh in processes of its own, hit while it works, and judged from outside.
//!
//! [`plan`] says from a seed what is killed and [`tasks`] what is submitted, [`member`] is one process, [`fleet`] all of
//! them and the blows they take, [`driver`] submits until everything is accepted, [`operator`] tends the archive, [`checker`] counts what comes
//! out with a client and code of its own, [`run`] is the course of it and [`outcome`] what it says.

mod checker;
mod driver;
mod fleet;
mod member;
mod operator;
mod outcome;
mod plan;
mod run;
mod tasks;

pub use checker::Trouble;
pub use outcome::{Happened, Outcome};
pub use plan::{Plan, TASKS};
pub use run::{DrillError, Stage, run};
