//! The worker: a shell around [`crate::scheduler::intake`].
//!
//! [`options`] is what it is started with, [`shell`] collects events and acts on decisions, [`serve`] takes one task
//! through its order of writes, [`bill`] says what it is charged, [`finish`] is the last part of that, [`take`] takes
//! what arrives, [`starts`] sets a task going, [`ended`] tells the shell, [`fairness`] says how evenly it was divided,
//! [`aside`] what cannot start yet, [`keys`] what runs only so many at a time, [`leases`] keeps what is held alive,
//! [`running`] stops what was cancelled, [`borrow`] gets tokens where rates are limited, [`presence`] says that it is
//! there and hears orders, which [`calls`] carries out, [`follow`] goes over to consumers and policies that come,
//! [`discovery`] finds the consumers to pull from, [`views`] hears what waits in them, [`queues`] brings them under
//! their classes, [`shadow`] asks another policy what it would do, and [`timers`] are the clocks of the loop.

mod aside;
mod bill;
mod borrow;
mod calls;
mod discovery;
mod ended;
mod facts;
mod fairness;
mod finish;
mod follow;
mod keys;
mod leases;
mod options;
mod outcome;
mod presence;
mod queues;
mod running;
mod serve;
mod shadow;
mod shell;
mod starts;
mod take;
mod timers;
mod views;

pub use fairness::Served;
pub use options::{Worker, WorkerOptions};
pub use queues::intake_of;
