//! Schedules: tasks that come again and again.
//!
//! [`request`] makes one of what a client sends, as a pure function of bytes, policy and time; [`keep`] writes, shows,
//! holds back and removes them.

mod keep;
mod request;

pub use keep::{Removed, Shown, shown};
pub use request::{Asking, ScheduleRefusal, TASK_BYTES_MAX, make, read_request};

#[cfg(test)]
mod tests;
