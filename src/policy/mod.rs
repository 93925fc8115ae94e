//! Verdicts: what is to happen to a task, as pure functions of facts, policy and time.
//!
//! `document` is the validated policy every verdict is taken under; `config` makes it from
//! YAML. `classify` says where a new task goes, `retry` what follows a failure, `limits`
//! how many may run at once. Nothing here reads a clock, draws a random number or does I/O.

mod classify;
mod document;
mod limits;
mod retry;

#[cfg(test)]
mod classify_tests;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod retry_tests;

pub use classify::{ClassRule, Classified, Facts, LaneRule, UnknownClass, classify};
pub use document::{
    BatchWindow, Between, Bounds, Class, CostUnit, ExecutorKind, LanePolicy, Marking, Model, OnOverload,
    OnTimeout, Policy, ProcessRules, RetryKind, RetryRules, Scheduler,
};
pub use limits::split_equally;
pub use retry::{Failed, Verdict, verdict};
