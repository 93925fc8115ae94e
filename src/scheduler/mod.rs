//! Who is served next. Pure: facts and time in, decisions out; worker and simulator link the
//! same types.
//!
//! Reading order: [`weighted`] divides service between classes, [`intake`] turns that into pulls.

pub mod batch;
pub mod cost;
pub mod intake;
pub mod rate;
pub mod rules;
pub mod weighted;
