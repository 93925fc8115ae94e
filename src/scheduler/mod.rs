//! Who is served next. Pure: facts and time in, decisions out; worker and simulator link the
//! same types.
//!
//! Reading order: [`rules`] says what a scheduling policy is made of, [`facts`] what the rules are told. [`picker`] is
//! the one interface over every rule; [`credit`] divides service between classes by weight, [`edf`] tells what is feasible, and `fifo`, `strict`, `aging`,
//! `score` and `mlfq` are the other rules, over [`merit`]s and a tournament of them; `unpicked` is for tasks that start by the way, [`shadow`] asks a candidate beside the rule in force. [`lookahead`] orders the tasks of
//! one queue, [`cost`] learns what they cost, [`rate`] bounds how often they start, [`batch`] puts them together.
//! [`fairness`] measures what came of it.
//! [`intake`] turns picks into pulls.

mod aging;
pub mod batch;
mod bypass;
pub mod cost;
mod counters;
pub mod credit;
pub mod edf;
mod explain;
pub mod facts;
pub mod fairness;
mod fifo;
pub mod intake;
pub mod lookahead;
pub mod merit;
mod mlfq;
pub mod picker;
pub mod rate;
pub mod rules;
mod score;
pub mod shadow;
mod strict;
mod tournament;
mod unpicked;

#[cfg(test)]
mod tests;
