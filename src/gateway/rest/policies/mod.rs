//! `/v1/policy`: [`current`] shows the one that holds and makes another hold, [`past`] shows earlier ones, [`back`] goes
//! back to one, [`check`] finds the faults of a document, [`rollout`] tries one out, and [`shadow`] asks one what it would do.

pub(super) mod back;
pub(super) mod check;
pub(super) mod current;
mod note;
pub(super) mod past;
mod query;
pub(super) mod rollout;
pub(super) mod shadow;
