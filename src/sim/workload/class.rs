//! The classes of made workloads.

use super::WorkClass;
use crate::task::Lane;

/// A class as its workload's table has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ClassPlan {
    /// Its name, a legal class name.
    pub(super) name: &'static str,
    /// Its part of the service among backlogged classes.
    pub(super) share: u32,
    /// Lower is more urgent.
    pub(super) priority: u32,
    /// The lane its tasks travel on.
    pub(super) lane: Lane,
    /// Wait and service together that its tasks should keep to, in ms.
    pub(super) slo_ms: u64,
    /// What each of its tasks says of itself.
    pub(super) rank: Rank,
}

/// What a task says of its importance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rank {
    /// 0 to 10, 10 is the most urgent.
    pub(super) urgency: f64,
    /// 0 to 10.
    pub(super) business_weight: f64,
}

impl Rank {
    /// Where all tasks are alike.
    pub(super) const EVEN: Self = Self::new(5.0, 5.0);

    /// Urgency and business weight.
    pub(super) const fn new(urgency: f64, business_weight: f64) -> Self {
        Self {
            urgency,
            business_weight,
        }
    }
}

impl ClassPlan {
    /// The class, its tenants all in one bucket.
    pub(super) fn class(&self) -> WorkClass {
        WorkClass {
            name: self.name.to_owned(),
            share: self.share,
            priority: self.priority,
            lane: self.lane,
            slo_ms: self.slo_ms,
            shards: 1,
            hand: 1,
        }
    }
}
