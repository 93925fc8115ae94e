//! What another policy would have done: a recorded trace under the policy that holds and under a candidate, compared.
//!
//! [`measure`] is what is compared and [`bound`] what may be asked of it, [`replay`] runs the trace under one policy as a
//! mesh would, [`judge`] compares the runs pair by pair, and [`show`] is what people and programs are told.

mod bound;
mod judge;
mod measure;
mod replay;
mod show;

#[cfg(test)]
mod tests;

pub use bound::{Bound, BoundError, Of, Question, questions};
pub use judge::{Judged, Verdict, judge};
pub use measure::{Measure, UnknownMeasure};
pub use replay::{Known, ReplayError, Replayed, replay};
pub use show::{Comparison, ComparisonJson, rows};
