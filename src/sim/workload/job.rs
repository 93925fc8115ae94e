//! A workload as data.

use crate::task::Lane;

/// All that is to be simulated, under one seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Its name in reports.
    pub name: String,
    /// Offered work over capacity; none where clients wait for their answers.
    pub load: Option<f64>,
    /// Slots it is made for, over all workers together; at least 1.
    pub slots: u32,
    /// Its classes, at least one.
    pub classes: Vec<WorkClass>,
    /// Its tasks.
    pub source: Source,
    /// Tasks that arrive before this time are run and not counted, in µs.
    pub warmup_us: u64,
    /// No task arrives after this time, in µs.
    pub end_us: u64,
}

/// One class of a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkClass {
    /// Its name, a legal class name.
    pub name: String,
    /// Its part of the service among backlogged classes.
    pub share: u32,
    /// Lower is more urgent.
    pub priority: u32,
    /// The lane its tasks travel on.
    pub lane: Lane,
    /// Wait and service together that its tasks should keep to, in ms.
    pub slo_ms: u64,
    /// Buckets its tenants are spread over; at least 1.
    pub shards: u16,
    /// Buckets a tenant may use, of which each task takes the shortest; 1 to `shards`.
    pub hand: u16,
}

/// Where tasks come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// They come whether or not earlier ones are done; in order of arrival.
    Open(Vec<Job>),
    /// Each client has one task under way and sends the next when it is answered.
    Closed(Vec<Client>),
}

/// One task that comes by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Job {
    /// When it arrives, in µs.
    pub at_us: u64,
    /// Its class, by place.
    pub class: usize,
    /// Who pays, by number.
    pub tenant: u32,
    /// How long it occupies a slot, in µs; at least 1.
    pub service_us: u64,
    /// What a predictor that errs would have said of `service_us`.
    pub hint_us: u64,
    /// When its answer stops being worth having, in µs; none where only the class's SLO counts.
    pub deadline_us: Option<u64>,
    /// 0 to 10, 10 is the most urgent.
    pub urgency: f64,
    /// 0 to 10.
    pub business_weight: f64,
}

/// One client that waits for its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The class of its tasks, by place.
    pub class: usize,
    /// Who pays, by number.
    pub tenant: u32,
    /// How long each of its tasks occupies a slot, in µs; at least 1.
    pub service_us: u64,
}
