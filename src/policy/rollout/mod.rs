//! Canary rollout: which tasks a candidate policy gets, and whether it gets more of them or none.
//!
//! [`share`] draws the track of a task, [`settling`] says from when on tracks can be compared, [`waits`] and [`evidence`] are what is counted per track, [`plan`] the stages
//! and the margins. [`wealth`] and [`paired`] are the statistics, valid however often somebody looks; [`record`] and
//! [`stage`] keep them by class and over all. [`judge`] reads a verdict off them, [`ruling`] is that verdict and
//! [`words`] says it to people; [`spelling`] reads what they ask for. docs/live-policy-statistics.md has the reasons, the assumptions and the figures.

mod evidence;
mod judge;
mod paired;
mod plan;
mod record;
mod ruling;
mod settling;
mod share;
mod spelling;
mod stage;
mod waits;
mod wealth;
mod words;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(super) use tests::shared;

pub use evidence::{Evidence, Tally};
pub use judge::judge;
pub use plan::{Margins, Plan};
pub use ruling::{Finding, Ground, Harm, Judgement, Measure, Missing, Ruling};
pub use settling::Settling;
pub use share::{Share, Track, assign, lot};
pub use spelling::{FIRST_SHARE, Misspelt, read_label, read_lot_by, read_share, stages};
pub use stage::Stage;
pub use waits::{BUCKETS, Waits};
