//! What runs amount to: figures of one policy over one workload, as JSON, as tables and as a picture.
//!
//! Reading order: [`figures`] says what is reported, `measure` what is read off one task, `tally` what of a group of
//! them, `fairness` and `timeline` what of tenants and of time, `little` which runs are refused, and [`summarise`] puts
//! it together. [`json`], [`text`] and [`picture`] show it.

pub mod figures;
pub mod json;
pub mod picture;
pub mod text;

mod fairness;
mod little;
mod measure;
mod summary;
mod tally;
mod timeline;

pub use figures::{ClassFigures, Latency, Report, TenantFigures, Timeline};
pub use little::ReportError;
pub use summary::summarise;

#[cfg(test)]
mod sample;
