//! The metrics as an operator sees them.

mod document;
mod exposed;
mod over_http;

pub(crate) use exposed::rendered;
