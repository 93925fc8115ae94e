//! The way in: from what a client sends to a task that can be published, through two doors.
//!
//! [`admission`] decides, as a pure function of bytes, policy and time; [`identity`] names a task
//! whose client did not. [`desk`] is what every door leads to: [`submit`], [`status`], [`cancel`], [`schedules`], with
//! [`tenancy`] for names and [`problem`] for what is not done. The doors are [`rest`], served by
//! [`server`], and [`service`].

mod admission;
mod cancel;
mod desk;
mod identity;
mod problem;
mod refusal;
pub mod rest;
mod schedules;
mod server;
mod service;
mod status;
mod submit;
mod tenancy;

#[cfg(test)]
mod admission_tests;

pub use admission::{Admitted, Asked, Terms, admit};
pub use cancel::Cancelled;
pub use desk::{Desk, Named};
pub use identity::fresh_id;
pub use problem::{Code, Problem};
pub use refusal::Refusal;
pub use schedules::{Asking, Removed, ScheduleRefusal, Shown, TASK_BYTES_MAX, make, read_request, shown};
pub use server::serve;
pub use status::{Outcome, Status, timeline_line};
pub use submit::{Accepted, Request};
pub use tenancy::IdempotencyKey;
