//! Changing the policy of the mesh: what every door and every command does with the stored ones.
//!
//! [`apply`] stores a document and makes it hold, [`history`] tells what was applied when, [`trials`] tries one out on
//! a part of the tasks, [`desk`] is all of it through a gateway.

mod apply;
mod desk;
mod history;
mod trials;

pub use apply::{Applied, ApplyError, Applying, DOCUMENT_BYTES_MAX, KEPT, apply, rollback};
pub use desk::{Begun, ShownPolicy, shown_faults};
pub use history::{Past, document_of, history};
pub use trials::{
    Handle, ShownOutcome, ShownTrial, TrialStatus, Trying, begin_trial, handle_trial, trial_status,
};
