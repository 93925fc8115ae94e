//! Which of the first tasks of a queue is served next: a small window, leased, so that what it holds is known.

use std::collections::{BTreeMap, BTreeSet};

use super::edf;
use super::facts::{Flow, Head, Ticket};
use super::rules::{ClassTerms, Order};
use crate::task::Moment;

/// Tenants whose counters are kept. Beyond it those are forgotten who would be lifted anyway, then the least served of
/// those who have nothing here.
const COUNTERS_MAX: usize = 4_096;

/// A task in the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kept {
    /// What it is called here.
    pub ticket: Ticket,
    /// What is known of it.
    pub head: Head,
    /// What it is expected to cost, in ms of one slot; for the order only, as tasks may say it of themselves.
    pub cost_ms: f64,
    /// Times one that came later was taken before it.
    pub passed: u32,
}

/// The tasks of one queue that a worker holds and has not started.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// In order of arrival.
    kept: Vec<Kept>,
    counters_ms: BTreeMap<Flow, f64>,
    /// The largest counter anybody was taken at: nobody who comes later starts below the least of those here, or below
    /// this where nobody is.
    reached_ms: f64,
}

impl Window {
    /// Tasks in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The one that would be served next.
    #[must_use]
    pub fn peek(&self, terms: &ClassTerms) -> Option<Head> {
        self.next(terms).map(|at| self.kept[at].head)
    }

    /// Puts one more in. The caller keeps to the class's window.
    pub fn add(&mut self, ticket: Ticket, head: Head, cost_ms: f64) {
        if let Some(flow) = head.flow {
            self.lift(flow);
        }
        let kept = Kept {
            ticket,
            head,
            cost_ms,
            passed: 0,
        };
        // Handed back ones come again: the order is that of their enqueuing.
        let at = self.kept.partition_point(|other| other.head.since <= head.since);
        self.kept.insert(at, kept);
    }

    /// Takes out the one to be served next. Where it is served, charge its flow for it.
    pub fn take(&mut self, terms: &ClassTerms) -> Option<Kept> {
        let at = self.next(terms)?;
        for earlier in &mut self.kept[..at] {
            earlier.passed += 1;
        }
        let taken = self.kept.remove(at);
        self.reached_ms = self.reached_ms.max(self.counter_ms(taken.head.flow));
        Some(taken)
    }

    /// Books service of a flow, or gives it back: what its task is expected to cost when it starts, and the rest when
    /// it is done.
    pub fn charge(&mut self, flow: Flow, cost_ms: f64) {
        *self.counters_ms.entry(flow).or_insert(self.reached_ms) += cost_ms;
        self.prune();
    }

    fn prune(&mut self) {
        if self.counters_ms.len() <= COUNTERS_MAX {
            return;
        }
        let here: BTreeSet<Flow> = self.kept.iter().filter_map(|kept| kept.head.flow).collect();
        let reached_ms = self.reached_ms;
        self.counters_ms
            .retain(|flow, counter| *counter > reached_ms || here.contains(flow));
        // By halves: a look at all of them is then rare.
        let mut idle: Vec<(f64, Flow)> = self
            .counters_ms
            .iter()
            .filter(|(flow, _)| !here.contains(flow))
            .map(|(flow, counter)| (*counter, *flow))
            .collect();
        idle.sort_by(|a, b| a.0.total_cmp(&b.0));
        let over = self.counters_ms.len().saturating_sub(COUNTERS_MAX / 2);
        for (_, flow) in idle.into_iter().take(over) {
            self.counters_ms.remove(&flow);
        }
    }

    /// Takes out all, in order of arrival.
    pub fn clear(&mut self) -> Vec<Ticket> {
        self.kept.drain(..).map(|kept| kept.ticket).collect()
    }

    /// Tenants whose counters are kept.
    #[cfg(test)]
    pub(super) fn counters(&self) -> usize {
        self.counters_ms.len()
    }

    fn counter_ms(&self, flow: Option<Flow>) -> f64 {
        flow.and_then(|flow| self.counters_ms.get(&flow))
            .copied()
            .unwrap_or(0.0)
    }

    /// A tenant that had nothing here comes back no further ahead than the least of those who had.
    fn lift(&mut self, flow: Flow) {
        if self.kept.iter().any(|kept| kept.head.flow == Some(flow)) {
            return;
        }
        let here = self.kept.iter().map(|kept| self.counter_ms(kept.head.flow));
        let least = here.min_by(f64::total_cmp).unwrap_or(self.reached_ms);
        let counter = self.counters_ms.entry(flow).or_default();
        *counter = counter.max(least);
        self.prune();
    }

    /// Where the next one stands.
    fn next(&self, terms: &ClassTerms) -> Option<usize> {
        let most = terms.lookahead.bypass_max;
        if let Some(due) = self.kept.iter().position(|kept| kept.passed >= most) {
            return Some(due);
        }
        let counter = |kept: &Kept| self.counter_ms(kept.head.flow);
        // The first of equals is the oldest.
        let best = |key: &dyn Fn(&Kept) -> f64| {
            let keyed = self.kept.iter().enumerate();
            keyed
                .map(|(at, kept)| (at, key(kept), counter(kept)))
                .min_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.2.total_cmp(&b.2)))
                .map(|(at, ..)| at)
        };
        match terms.lookahead.order {
            Order::Fifo => best(&|_| 0.0),
            Order::Aged { alpha } => best(&|kept| -aged_key(kept, alpha)),
            Order::Edf => best(&|kept| due_s(kept, terms)),
        }
    }
}

/// `ln(weight / estimate) − alpha · arrival`: nothing waits behind a later arrival by more than `ln(r) / alpha`, with
/// r the largest ratio of two tasks' weight per cost.
fn aged_key(kept: &Kept, alpha: f64) -> f64 {
    let weight = 1.0 + kept.head.business_weight;
    (weight / kept.cost_ms).ln() - alpha * kept.head.since.0.as_secs_f64()
}

fn due_s(kept: &Kept, terms: &ClassTerms) -> f64 {
    let due: Option<Moment> = edf::deadline(&kept.head, terms);
    due.map_or(f64::INFINITY, |due| due.0.as_secs_f64())
}
