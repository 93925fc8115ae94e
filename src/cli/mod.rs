//! The command line. Data goes to stdout, everything else to stderr, and the exit code says what happened.
//!
//! Reading order: [`args`] is the tree of commands, [`flags`] the settings among their flags,
//! [`start`] leads from arguments to a command, [`session`] is what each command is given,
//! [`output`] writes its data, [`spread`] uses every processor and [`exit`] maps its errors. Then one file or folder per command.

mod archive;
mod args;
mod audit;
mod bench;
mod demo;
mod dlq;
mod doctor;
mod drill;
mod exit;
pub mod flags;
mod fleet;
mod output;
mod policy;
mod queue;
mod role;
mod schedule;
mod session;
mod shelf;
mod sim;
mod spread;
mod start;
mod streams;
mod task;
mod trace;

#[cfg(test)]
mod help;

pub use exit::{Exit, Stop};
pub use start::{Invocation, read, run};
