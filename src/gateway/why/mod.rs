//! Why a task has not started or ended yet: read off the broker, judged by `policy`, told as words and as data.
//!
//! [`ask`] is the way in, [`find`] finds the task wherever it is, [`look`] sees what is around it, [`tell`] says what
//! comes of that, and [`data`] each reason of it for programs.

mod ask;
mod data;
mod find;
mod look;
mod tell;

pub use ask::why;
pub use tell::Why;
