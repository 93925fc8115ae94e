//! Overload: which level of the ladder holds, and what a level means for a task that comes in.
//!
//! [`rules`] is what the policy says, [`rate`] how fast tasks leave, [`ladder`] turns what is seen into a level with
//! hysteresis, [`admission`] says who is turned away on a level and where to, [`outlook`] how long a backlog lasts: when
//! to come back, and which deadline cannot be met; [`room`] how much goes back from the archive.

mod admission;
mod ladder;
mod outlook;
mod rate;
mod room;
mod rules;

#[cfg(test)]
mod ladder_tests;

pub use admission::{Fate, Shed, fate};
pub use ladder::{Cause, Pressure, Standing, Workers, is_retry_full, step};
pub use outlook::{Infeasible, Outlook, RETRY_AFTER_S_MAX, infeasible, retry_after_s};
pub use rate::DrainRate;
pub use room::{QueueFill, Room};
pub use rules::{Level, OnInfeasible, OverloadRules};
