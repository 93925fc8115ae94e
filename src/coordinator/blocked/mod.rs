//! Tasks that wait for others: queued when those have completed, ended when one has not.
//!
//! One coordinator does it, whoever leads. What it knows it has read, so that the next one begins by reading it again.
//!
//! Reading order: [`watch`] hears what waits and what ends and keeps the board of `policy`, [`steps`] takes the steps
//! that follow, [`settle`] writes how waiting ends, [`find`] looks for those that are waited for, [`grants`] gives
//! a key to those whose turn it is.

mod find;
mod grants;
mod settle;
mod steps;
mod watch;

pub(super) use watch::run;
