//! Every option that there is, for editors and for people who look one up.
//!
//! `shape` is what the reader notes when it reads a document that has everything, `sentences` what each option is.
//! `schema` makes a JSON Schema of them, `reference` the page docs/policy-reference.md, with `cells` for its tables.

mod cells;
mod reference;
mod schema;
mod sentences;
mod shape;

#[cfg(test)]
mod checker;
#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod sentences_tests;

pub use reference::policy_reference;
pub use schema::policy_schema;
pub(super) use sentences::sentence;
