//! Overload: the leading coordinator looks at the whole mesh once a second, says which level holds, and puts back what
//! overload has put aside.
//!
//! [`round`] does it again and again, [`look`] gathers what the level is judged by, [`announce`] writes and tells it, and
//! [`put_back`] empties the archive as fast as the lanes take it.

mod announce;
mod look;
mod put_back;
mod round;

pub(super) use put_back::expire;
pub(super) use round::run;
