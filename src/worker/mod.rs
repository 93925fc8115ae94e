//! The worker: a shell around [`crate::scheduler::intake`].
//!
//! [`options`] is what it is started with, [`shell`] collects events and acts on decisions,
//! [`serve`] takes one task through its order of writes, [`finish`] is the last part of that,
//! [`leases`] keeps what is held alive, [`running`] stops what was cancelled, [`borrow`] gets tokens where rates are limited, [`presence`] says that it is there and hears orders, which [`calls`] carries out, [`discovery`] finds the consumers to pull from and
//! [`queues`] brings them under their classes.

mod borrow;
mod calls;
mod discovery;
mod facts;
mod finish;
mod leases;
mod options;
mod presence;
mod queues;
mod running;
mod serve;
mod shell;
mod starts;

pub use options::{Worker, WorkerOptions};
pub use queues::intake_of;
