//! Slot first, class second, pull third: which pulls a worker sends, and what it does with what
//! comes back.
//!
//! Priority must choose late, JetStream is fast only when asked early. So nothing is pulled that
//! cannot start at once, the class is chosen before each pull, and a pull asks for as many tasks
//! as there are free slots. Two kinds of pulls, and the difference is what keeps urgent tasks
//! from touring busy workers:
//!
//! - an *ask* goes to a queue that is known to hold tasks, reserves slots, and ends within about
//!   two round trips;
//! - a *wait* asks for one task of a queue that is empty, limited or unknown, reserves nothing,
//!   and is withdrawn the moment the last slot fills.
//!
//! Reading order: [`facts`] is the vocabulary, [`queue`] what is known of one consumer, [`outlook`] what of its heads,
//! [`asks`] the places asked for, [`ledger`] what they were charged, [`round_trip`] the clock both kinds are timed by,
//! [`spread`] where a worker begins, [`core`] the state and what ends, [`arrivals`] admits, [`deadlines`] gives up, [`plan`] asks. Tasks whose rate is limited start with a token alone, and [`tokens`] borrows them. [`reform`] goes over to another policy. [`log`] is what it is told, as data.

mod arrivals;
mod asks;
mod core;
mod deadlines;
mod drain;
mod facts;
mod ledger;
mod log;
mod outlook;
mod plan;
mod queue;
mod reform;
mod round_trip;
mod spread;
#[cfg(test)]
mod tests;
mod tokens;

pub use self::core::{Intake, IntakeConfig};
pub use facts::{
    Admission, Arrival, AskEnd, Decision, PullId, PullOutcome, QueueId, QueueSpec, Source, View,
};
pub use log::{Answer, Event};
pub use tokens::{MeterId, TokenLoan, TokenPlea};
