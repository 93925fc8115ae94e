//! Conducting a rollout: the leading coordinator counts what becomes of tasks on both tracks, gives the canary more of
//! them step by step, or takes it back.
//!
//! [`conduct`] is the loop, [`compare`] what is otherwise where two policies are only compared, [`tracks`] what is counted, [`report`] what is told of it.

mod compare;
mod conduct;
mod report;
mod tracks;

pub(super) use conduct::run;
