//! REST: one endpoint per file, one form for every problem.
//!
//! [`router`] is the tree, [`caller`] reads who asks, [`reply`] writes problems; then the endpoints
//! [`submit`], [`status`], [`why`], [`result`] and [`cancel`], and those of [`schedules`].

mod caller;
mod cancel;
mod policies;
mod reply;
mod result;
mod router;
mod schedules;
mod status;
mod submit;
mod why;

pub use router::router;
