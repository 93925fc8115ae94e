//! The coordinator: consumers, verdicts on failures, and what nobody covers.
//!
//! It is never on the path of a task that succeeds, and any number may run: every verdict is a pure function of the
//! report, published under an id that makes the second one a duplicate.
//!
//! Reading order: [`role`] starts it, [`routes`] says which consumers there must be and [`consumers`] makes the first
//! ones, [`views`] looks over what waits in them ([`heads`], [`gauges`]) and [`limits`] gives them their places,
//! [`feeds`] reads what failed and what is due, [`judge`] judges it, [`ticks`] fires schedules, and [`carry_out`]
//! writes what follows, within the [`budget`] of its class, [`bury`] writes dead letters, [`callbacks`] brings results
//! to whoever wants them brought, [`leader`] says which of several coordinators looks everything over, [`audit`] is
//! that look, [`waits`] moves what has waited for too long, [`overload`] says how much is too much and empties the
//! archive again, [`wakes`] tells busy workers of what came to silent queues, which [`ears`] hear, [`crew`] counts the
//! workers, [`rates`] lends the tokens of rates, [`rollout`] tries a policy on a part of the tasks, [`retire`] takes
//! away consumers that the policy does not ask for any more, [`recall`] makes streams again that a server forgot,
//! [`relocate`] is the move to another lane, [`blocked`] queues what waited for other tasks, and [`nameless`] what is
//! filed under when a subject says nothing.

mod audit;
mod blocked;
mod budget;
mod bury;
pub mod callbacks;
mod carry_out;
mod consumers;
mod crew;
mod ears;
mod feeds;
mod gauges;
mod heads;
mod judge;
mod leader;
mod limits;
mod nameless;
mod overload;
mod rates;
mod recall;
mod relocate;
mod retire;
mod role;
mod rollout;
mod routes;
mod ticks;
mod views;
mod waits;
mod wakes;

pub use callbacks::{CallbackOptions, KeyError, SigningKey};
pub use role::{Coordinator, CoordinatorError, CoordinatorOptions};
