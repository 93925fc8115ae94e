//! One task of a simulation.

use std::time::Duration;

use super::record::End;
use super::workload::{Client, Job};
use crate::scheduler::facts::{Flow, Head};
use crate::task::{Moment, Shard, TenantId};

/// One task, from its publication to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    pub(super) queue: usize,
    pub(super) facts: Facts,
    pub(super) arrived_us: u64,
    pub(super) started_us: Option<u64>,
    /// When it was done or given up.
    pub(super) finished_us: Option<u64>,
    pub(super) end: End,
    pub(super) deliveries: u64,
}

/// What is fixed about a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Facts {
    pub(super) cost_us: u64,
    /// What it is expected to cost; none where only its class is known.
    pub(super) hint_us: Option<u64>,
    pub(super) class: usize,
    pub(super) tenant: u32,
    pub(super) deadline_us: Option<u64>,
    pub(super) urgency: f64,
    pub(super) business_weight: f64,
    /// Whether reports count it.
    pub(super) is_counted: bool,
    /// The client that waits for its answer.
    pub(super) client: Option<usize>,
}

/// Whether schedulers are told what a task will cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hints {
    /// They know what tasks of its class have cost.
    ByClass,
    /// They know what a predictor said that errs.
    ByTask,
}

impl Facts {
    /// A task of that cost, of which nothing else is known.
    pub(super) const fn plain(class: usize, cost_us: u64) -> Self {
        Self {
            cost_us,
            hint_us: None,
            class,
            tenant: 0,
            deadline_us: None,
            urgency: 0.0,
            business_weight: 0.0,
            is_counted: true,
            client: None,
        }
    }

    pub(super) fn of_job(job: &Job, hints: Hints, counted_from_us: u64) -> Self {
        Self {
            hint_us: (hints == Hints::ByTask).then_some(job.hint_us),
            tenant: job.tenant,
            deadline_us: job.deadline_us,
            urgency: job.urgency,
            business_weight: job.business_weight,
            is_counted: job.at_us >= counted_from_us,
            ..Self::plain(job.class, job.service_us)
        }
    }

    pub(super) const fn of_client(at: usize, client: &Client) -> Self {
        Self {
            tenant: client.tenant,
            client: Some(at),
            ..Self::plain(client.class, client.service_us)
        }
    }

    /// Whose it is.
    pub(super) fn flow(&self) -> Flow {
        Flow(u64::from(self.tenant) + 1)
    }

    /// The shards its tenant may use, of so many.
    pub(super) fn hand(&self, shards: u16, cards: u16) -> Vec<u16> {
        let name = format!("t{}", self.tenant);
        let tenant = TenantId::new(&name).unwrap_or_else(|_| TenantId::default_tenant());
        let number = |shard| match shard {
            Shard::Stable(number) | Shard::Canary(number) => number,
        };
        Shard::hand(&tenant, shards, cards)
            .into_iter()
            .map(number)
            .collect()
    }
}

impl Task {
    /// A task that has just arrived.
    pub(super) const fn new(queue: usize, facts: Facts, now_us: u64) -> Self {
        Self {
            queue,
            facts,
            arrived_us: now_us,
            started_us: None,
            finished_us: None,
            end: End::Done,
            deliveries: 0,
        }
    }

    /// What a scheduler can know of it.
    pub(super) fn head(&self) -> Head {
        Head {
            since: moment(self.arrived_us),
            deadline: self.facts.deadline_us.map(moment),
            flow: Some(self.facts.flow()),
            urgency: self.facts.urgency,
            business_weight: self.facts.business_weight,
            cost_ms: self.facts.hint_us.map(|us| us as f64 / 1000.0),
        }
    }
}

/// The virtual clock as the scheduler's time.
pub(super) const fn moment(us: u64) -> Moment {
    Moment(Duration::from_micros(us))
}
