//! The way in: from what a client sends to a task that can be published, through two doors.
//!
//! [`admission`] decides, as a pure function of bytes, policy and time; [`identity`] names a task
//! whose client did not, and [`overload`] turns away what is too much. [`desk`] is what every door leads to:
//! [`submit`], [`status`], [`why`], [`cancel`], [`schedules`], with [`track`] while a policy is on trial, [`hands`] for a choice of shards, [`dependencies`] for what
//! a task waits for, [`tenancy`] for names and [`problem`] for what is not done. The doors are [`rest`], served by
//! [`server`], and [`service`].

mod admission;
mod cancel;
mod dependencies;
mod desk;
mod hands;
mod identity;
mod overload;
mod policies;
mod presence;
mod problem;
mod refusal;
pub mod rest;
mod schedules;
mod server;
mod service;
mod status;
mod submit;
mod tenancy;
mod track;
mod why;

#[cfg(test)]
mod admission_tests;

pub use admission::{Admitted, Asked, Terms, admit};
pub use cancel::Cancelled;
pub use desk::{Desk, Named};
pub use hands::Backlogs;
pub use identity::fresh_id;
pub use policies::{
    Applied, ApplyError, Applying, Begun, Comparing, DOCUMENT_BYTES_MAX, Handle, KEPT, NOTE_BYTES_MAX, Past,
    ShadowStatus, ShownClass, ShownComparison, ShownOutcome, ShownPair, ShownPolicy, ShownShadow, ShownStep,
    ShownTrial, TrialPlace, TrialSlots, TrialStatus, Trying, apply, begin_shadow, begin_trial, document_of,
    end_shadow, handle_trial, history, rollback, shadow_status, shown_faults, trial_status,
};
pub use problem::{Code, Member, Problem};
pub use refusal::Refusal;
pub use schedules::{Asking, Removed, ScheduleRefusal, Shown, TASK_BYTES_MAX, make, read_request, shown};
pub use server::serve;
pub use status::{Outcome, Status, timeline_line};
pub use submit::{Accepted, Request};
pub use tenancy::IdempotencyKey;
pub use why::{Why, why};
