//! Looking everything over: what nobody would come to by itself is found here and put in order.
//!
//! [`round`] does it again and again, where this coordinator leads. [`uncovered`] finds tasks no consumer would
//! deliver, [`undeliverable`] tasks the server has given up, [`unreadable`] messages no worker can take, [`timers`]
//! those that were not fired, [`letters`] dead tasks without a dead letter, [`parked`] tasks in the archive that
//! have ended, [`held`] moves that were not finished, [`schedules`] those whose next firing nobody waits for; [`repaired`] tells of each.

mod held;
mod letters;
mod parked;
mod repaired;
mod round;
mod schedules;
mod timers;
mod uncovered;
mod undeliverable;
mod unreadable;

pub(super) use round::run;
pub(super) use uncovered::identify;
