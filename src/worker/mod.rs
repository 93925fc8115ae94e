//! The worker: a shell around [`crate::scheduler::intake`].
//!
//! [`options`] is what it is started with, [`shell`] collects events and acts on decisions,
//! [`serve`] takes one task through its order of writes, [`finish`] is the last part of that,
//! [`aside`] what cannot start yet, [`keys`] what runs only so many at a time, [`leases`] keeps what is held alive, [`running`] stops what was cancelled, [`discovery`] finds the consumers to pull from and
//! [`queues`] brings them under their classes.

mod aside;
mod discovery;
mod facts;
mod finish;
mod keys;
mod leases;
mod options;
mod queues;
mod running;
mod serve;
mod shell;

pub use options::{Worker, WorkerOptions};
pub use queues::intake_of;
