//! A multi-level feedback queue over flows: who has had little goes before who has had much.
//!
//! A flow, which is a tenant or a session, starts at the top and sinks a level whenever it has used the level's
//! quantum, which doubles from level to level. A task that is expected to cost more than a level's quantum joins below
//! it (skip-join, as in FastServe), so that a long one does not hold up short ones first and sink later. Every `boost`
//! all flows are back at the top, so that nothing stays at the bottom for longer. What runs is never stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::facts::{Flow, Head, QueueId};
use super::merit::{Curve, Merit};
use super::rules::MlfqRules;
use crate::task::Moment;

/// Flows that are told apart between two boosts; those beyond share one account.
const FLOWS_MAX: usize = 65_536;
/// Where those beyond are counted.
const REST: Flow = Flow(0);

/// What every flow has had since the last boost.
#[derive(Debug, Clone)]
pub(super) struct Mlfq {
    rules: MlfqRules,
    attained_ms: BTreeMap<Flow, f64>,
    queues: Vec<Seen>,
    boosted: Moment,
}

/// What a queue's flows have had together, for a head whose flow is not known.
#[derive(Debug, Clone, Default)]
struct Seen {
    served_ms: f64,
    flows: BTreeSet<Flow>,
}

impl Mlfq {
    pub(super) fn new(rules: MlfqRules) -> Self {
        Self {
            rules,
            attained_ms: BTreeMap::new(),
            queues: Vec::new(),
            boosted: Moment::default(),
        }
    }

    pub(super) fn add(&mut self) {
        self.queues.push(Seen::default());
    }

    /// Puts every flow back to the top if it is time. Says whether it was.
    pub(super) fn boost(&mut self, now: Moment) -> Boosted {
        if now.since(self.boosted) < Duration::from_millis(self.rules.boost_ms) {
            return Boosted::NotYet;
        }
        self.boosted = now;
        self.attained_ms.clear();
        self.queues.fill(Seen::default());
        Boosted::All
    }

    pub(super) fn charge(&mut self, queue: QueueId, flow: Option<Flow>, cost_ms: f64) {
        // What is given back after a boost was charged before it.
        let served_ms = &mut self.queues[queue.0].served_ms;
        *served_ms = (*served_ms + cost_ms).max(0.0);
        let Some(flow) = flow else { return };
        let flow = self.attain(flow, cost_ms);
        self.queues[queue.0].flows.insert(flow);
    }

    /// Books service of a flow alone. Says under which it is counted.
    pub(super) fn attain(&mut self, flow: Flow, cost_ms: f64) -> Flow {
        let flow = self.account(flow);
        let attained_ms = self.attained_ms.entry(flow).or_default();
        *attained_ms = (*attained_ms + cost_ms).max(0.0);
        flow
    }

    /// Under which a flow is counted.
    fn account(&self, flow: Flow) -> Flow {
        let known = self.attained_ms.contains_key(&flow) || self.attained_ms.len() < FLOWS_MAX;
        if known { flow } else { REST }
    }

    /// The level a head is served at, 0 at the top.
    pub(super) fn level(&self, queue: QueueId, head: &Head, estimate_ms: f64) -> u32 {
        let attained_ms = self.attained_ms(queue, head);
        let quantum_ms = self.rules.quantum_ms;
        // Level k ends at quantum · (2^(k+1) − 1) of service, and takes tasks of up to quantum · 2^k.
        let by_service = (attained_ms / quantum_ms + 1.0).log2().floor();
        let by_cost = (head.cost_ms.unwrap_or(estimate_ms) / quantum_ms).log2().ceil();
        let lowest = self.rules.levels.saturating_sub(1);
        by_service.max(by_cost).clamp(0.0, f64::from(lowest)) as u32
    }

    /// Service that the flow of a head has had since the last boost.
    fn attained_ms(&self, queue: QueueId, head: &Head) -> f64 {
        let seen = &self.queues[queue.0];
        match head.flow {
            Some(flow) => self.attained_ms.get(&self.account(flow)).copied().unwrap_or(0.0),
            None => seen.served_ms / seen.flows.len().max(1) as f64,
        }
    }

    /// Its place among the heads.
    pub(super) fn merit(&self, queue: QueueId, head: &Head, estimate_ms: f64) -> Merit {
        let level = u64::from(self.level(queue, head, estimate_ms));
        Merit::new(level, Curve::Flat(-self.attained_ms(queue, head)), head.since)
    }
}

/// What a look at the clock came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Boosted {
    /// Everybody is at the top again: every rank is to be made anew.
    All,
    /// It is not time.
    NotYet,
}
