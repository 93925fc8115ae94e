//! Callbacks: a task's terminal record is brought to its `callback_url`.
//!
//! [`deliver`] takes one message of `FL_CALLBACKS` to its end, [`post`] is the request, guarded
//! against addresses that are not public, [`signature`] is how a receiver knows who sent it.

mod deliver;
mod post;
mod signature;

pub(super) use deliver::deliver;
pub use post::CallbackOptions;
pub(super) use post::Poster;
pub use signature::{KeyError, SigningKey};
