//! Every option that there is: `shape` is what the reader notes when it reads a document that has everything,
//! `sentences` what each option is.

mod sentences;
#[cfg(test)]
mod shape;

#[cfg(test)]
mod sentences_tests;

pub(super) use sentences::sentence;
