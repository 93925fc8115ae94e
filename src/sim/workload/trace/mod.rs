//! Recorded tasks: reading a file is one thing, making a workload of its rows another.
//!
//! [`file`] is the rows and how they are read, [`line`] one line, [`error`] what can be wrong, [`replay`] the workload;
//! [`recording`] makes a trace of how tasks have ended.
//!
//! The format is that of the Azure LLM inference traces of 2023: comma-separated, one task a line, in order of time.
//!
//! ```text
//! TIMESTAMP,ContextTokens,GeneratedTokens
//! 2023-11-16 18:17:03.9799600,4808,10
//! ```
//!
//! A fourth column `Class` names the task's class, and a fifth `ServiceMs` says how long it occupied a slot, in ms,
//! instead of the formula over its tokens. A sixth, `Tenant`, says who pays.

mod error;
mod file;
mod line;
mod recording;
mod replay;

#[cfg(test)]
mod recording_tests;
#[cfg(test)]
mod tests;

pub use error::{LineFault, TraceError};
pub use file::Trace;
pub use recording::{Left, Recording, Summary, Wanted};
