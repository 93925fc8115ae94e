//! The least virtual counter: who has been served least for its weight goes first.
//!
//! `counter += cost / weight` on dispatch, corrected on completion. Who comes back after having had nothing to do is
//! lifted to the least of those who had, so that nobody saves up service while idle (the virtual token counter of
//! Sheng et al., "Fairness in serving large language models", which is start-time fair queueing in cost).

use super::tournament::{Least, Tournament};
use crate::task::Moment;

#[derive(Debug, Clone, Copy)]
struct Counter {
    weight: f64,
    value: f64,
    is_ready: bool,
}

/// The counters of those who share one part of the service.
#[derive(Debug, Clone, Default)]
pub(super) struct Counters {
    all: Vec<Counter>,
    ready: Tournament<Least<f64>>,
    /// The largest value anybody was chosen at: the least of those who are ready is no lower.
    reached: f64,
}

impl Counters {
    /// Adds one of that weight, more than 0, who has nothing to do yet.
    pub(super) fn add(&mut self, weight: f64) -> usize {
        self.all.push(Counter {
            weight,
            value: 0.0,
            is_ready: false,
        });
        if self.all.len() == 2 {
            self.enter(0);
        }
        self.all.len() - 1
    }

    /// It has something to do.
    pub(super) fn ready(&mut self, at: usize) {
        if self.all[at].is_ready {
            return;
        }
        let least = match self.best() {
            Some(best) => self.all[best].value,
            None => self.reached,
        };
        let counter = &mut self.all[at];
        counter.value = counter.value.max(least);
        counter.is_ready = true;
        self.enter(at);
    }

    /// It has nothing to do, or must not be chosen for a moment.
    pub(super) fn rest(&mut self, at: usize) {
        self.all[at].is_ready = false;
        self.enter(at);
    }

    /// Books `cost_ms` of service; a negative cost gives back.
    pub(super) fn charge(&mut self, at: usize, cost_ms: f64) {
        let counter = &mut self.all[at];
        counter.value += cost_ms / counter.weight;
        self.enter(at);
    }

    /// The one that was served least for its weight.
    pub(super) fn best(&mut self) -> Option<usize> {
        match &self.all[..] {
            [only] => only.is_ready.then_some(0),
            _ => self.ready.best(Moment::default()),
        }
    }

    /// The same, and what follows from its being chosen.
    pub(super) fn choose(&mut self) -> Option<usize> {
        let best = self.best()?;
        self.reached = self.reached.max(self.all[best].value);
        Some(best)
    }

    fn enter(&mut self, at: usize) {
        // One alone is compared with nobody: most classes have one queue.
        if self.all.len() == 1 {
            return;
        }
        let Counter { value, is_ready, .. } = self.all[at];
        self.ready
            .set(at, is_ready.then_some(Least(value)), Moment::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(counters: &mut Counters, picks: usize) -> Vec<usize> {
        let mut served = vec![0; counters.all.len()];
        for _ in 0..picks {
            let at = counters.choose().unwrap();
            counters.charge(at, 10.0);
            served[at] += 1;
        }
        served
    }

    #[test]
    fn service_goes_by_weight_and_idling_saves_nothing_up() {
        let mut counters = Counters::default();
        let (a, b) = (counters.add(3.0), counters.add(1.0));
        counters.ready(a);
        assert_eq!(served(&mut counters, 100), [100, 0]);
        counters.ready(b);
        assert_eq!(served(&mut counters, 40), [30, 10]);
    }

    #[test]
    fn who_was_alone_owes_nothing_to_who_comes_later() {
        let mut counters = Counters::default();
        let (a, b) = (counters.add(1.0), counters.add(1.0));
        counters.ready(a);
        served(&mut counters, 100);
        counters.rest(a);
        counters.ready(b);
        served(&mut counters, 3);
        counters.ready(a);
        assert_eq!(served(&mut counters, 20), [10, 10]);
    }
}
