//! Changing the policy of the mesh: what every door and every command does with the stored ones.
//!
//! [`apply`] stores a document and makes it hold, [`history`] tells what was applied when, [`trials`] tries one out on
//! a part of the tasks, [`standing`] says where that stands, [`shadow`] asks one what it would do, [`error`] is why something is
//! not done, [`desk`] is all of it through a gateway.

mod apply;
mod desk;
mod error;
mod history;
mod shadow;
mod standing;
mod trials;

pub use apply::{Applied, Applying, DOCUMENT_BYTES_MAX, KEPT, NOTE_BYTES_MAX, apply, rollback};
pub use desk::{Begun, ShownPolicy, shown_faults};
pub use error::ApplyError;
pub use history::{Past, document_of, history};
pub use shadow::{ShadowStatus, ShownClass, ShownPair, ShownShadow, begin_shadow, end_shadow, shadow_status};
pub use standing::{
    ShownComparison, ShownOutcome, ShownStep, ShownTrial, TrialSlots, TrialStatus, trial_status,
};
pub use trials::{Comparing, Handle, TrialPlace, Trying, begin_trial, handle_trial};
