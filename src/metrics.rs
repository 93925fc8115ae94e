//! (being written)
#![expect(missing_docs, reason = "being written")]
use crate::task::{ClassName, ErrorKind, Lane};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskOutcome {
    Completed,
    Failed(ErrorKind),
    AlreadyDecided,
    Malformed,
    HandedBack,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullKind {
    Ask,
    Wait,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullOutcome {
    Filled,
    Partial,
    Empty,
    Limited,
    Overdue,
    Refused,
    Expired,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandBackReason {
    NoSlot,
    Drain,
}
#[derive(Debug, Default)]
pub struct WorkerMetrics;
#[derive(Debug, Default)]
pub struct ClassMetrics;
impl WorkerMetrics {
    pub fn new() -> Self {
        Self
    }
    pub fn class(&self, _: Lane, _: &ClassName) -> Arc<ClassMetrics> {
        Arc::new(ClassMetrics)
    }
    pub fn pull(&self, _: PullKind, _: PullOutcome) {}
    pub fn hand_back(&self, _: HandBackReason) {}
    pub fn lease_extensions(&self, _: u64) {}
}
impl ClassMetrics {
    pub fn started(&self) {}
    pub fn finished(&self, _: TaskOutcome, _: Duration, _: Duration) {}
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UncoveredAction {
    ConsumerCreated,
    DeadLettered,
}
#[derive(Debug, Default)]
pub struct CoordinatorMetrics;
impl CoordinatorMetrics {
    pub fn new() -> Self {
        Self
    }
    pub fn consumers(&self, _: Lane, _: usize) {}
    pub fn report(&self, _: ErrorKind) {}
    pub fn retry(&self, _: Lane, _: &ClassName) {}
    pub fn dead_letter(&self, _: &ClassName, _: crate::task::DeadReason) {}
    pub fn uncovered(&self, _: UncoveredAction, _: usize) {}
}
