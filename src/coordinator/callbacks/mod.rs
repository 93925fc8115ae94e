//! Callbacks: a task's terminal record is brought to its `callback_url`.
//!
//! [`deliver`] takes one message of `FL_CALLBACKS` to its end, [`post`] is the request, guarded
//! against addresses that are not public, [`signature`] is how a receiver knows who sent it,
//! [`key_file`] where its key is kept.

mod deliver;
mod key_file;
mod post;
mod signature;

pub(super) use deliver::deliver;
pub use key_file::KeyError;
pub use post::CallbackOptions;
pub(super) use post::Poster;
pub use signature::SigningKey;
