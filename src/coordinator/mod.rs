//! The coordinator: consumers, verdicts on failures, and what nobody covers.
//!
//! It is never on the path of a task that succeeds, and any number may run: every verdict is a
//! pure function of the report, published under an id that makes the second one a duplicate.
//!
//! Reading order: [`role`] starts it, [`routes`] says which consumers there must be and
//! [`consumers`] makes them, [`feeds`] reads what failed and what is due, [`judge`] judges
//! it, [`ticks`] fires schedules, and [`carry_out`] writes what follows, within the [`budget`] of its class, [`bury`] writes dead letters, [`callbacks`] brings results to whoever wants them brought, [`leader`] says which of several coordinators looks
//! everything over, [`audit`] is that look, [`waits`] moves what has waited for too long, and [`nameless`] what is filed under when a subject says nothing.

mod audit;
mod budget;
mod bury;
pub mod callbacks;
mod carry_out;
mod consumers;
mod feeds;
mod judge;
mod leader;
mod nameless;
mod role;
mod routes;
mod ticks;
mod waits;

pub use callbacks::{CallbackOptions, KeyError, SigningKey};
pub use role::{Coordinator, CoordinatorError, CoordinatorOptions};
