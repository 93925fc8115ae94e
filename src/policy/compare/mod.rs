//! Two policies side by side: by how much the tasks of one fare better, and how sure that is.
//!
//! A rollout asks whether a candidate does harm; a comparison asks by how much both differ, each way. What is counted is
//! the same (evidence of both tracks). [`comparison`] takes it, [`batches`] keeps it by stretches of time that both
//! tracks shared, [`figure`] says what is compared, [`seen`] adds it up, [`contrast`] says how far apart both are and
//! within which bounds, and [`words`] says it to people.
//! docs/live-policy-statistics.md has the reasons and what was measured.

mod batches;
mod comparison;
mod contrast;
mod figure;
mod seen;
mod words;

#[cfg(test)]
mod tests;

pub use comparison::{ALPHA, Comparison};
pub use contrast::{Contrast, Finding};
pub use figure::Figure;
pub use words::summary;
