//! How evenly service was divided of late: between the classes by their shares, between the tenants of a class.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::facts::{ClassId, Flow};
use crate::task::Moment;

/// What is looked back over.
const WINDOW: Duration = Duration::from_secs(60);
/// The window moves on by a part of it at a time.
const PARTS: u32 = 6;
/// Flows of one class that are told apart in one part; those beyond count as one.
const FLOWS_MAX: usize = 4096;
/// Where those beyond are counted.
const REST: Flow = Flow(0);

/// Jain's index of what each had: `(Σx)² / (n · Σx²)` (Jain, Chiu and Hawe, 1984).
///
/// 1 if all had the same, 1/n if one had everything. Where nobody had anything, all had the same.
#[must_use]
pub fn jain(had: impl IntoIterator<Item = f64>) -> f64 {
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for x in had {
        n += 1.0;
        sum += x;
        squares += x * x;
    }
    if squares > 0.0 {
        sum * sum / (n * squares)
    } else {
        1.0
    }
}

/// What was served within the last minute.
#[derive(Debug, Clone, Default)]
pub struct Fairness {
    parts: VecDeque<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    since: Moment,
    served_ms: BTreeMap<ClassId, BTreeMap<Flow, f64>>,
}

/// How a class fared among those that were served.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassFairness {
    /// The class.
    pub class: ClassId,
    /// Its part of the service over its part of the shares, both among the classes that were served: 1 where it had
    /// exactly its share; below 1 also where it asked for less.
    pub share_ratio: f64,
    /// [`jain`] over the flows that were served.
    pub jain: f64,
}

impl Fairness {
    /// A task took `cost_ms` of a slot.
    pub fn served(&mut self, class: ClassId, flow: Option<Flow>, cost_ms: f64, now: Moment) {
        self.forget(now);
        let is_open = |part: &Part| now.since(part.since) < WINDOW / PARTS;
        if !self.parts.back().is_some_and(is_open) {
            self.parts.push_back(Part {
                since: now,
                served_ms: BTreeMap::new(),
            });
        }
        let Some(part) = self.parts.back_mut() else { return };
        let flows = part.served_ms.entry(class).or_default();
        let flow = flow.unwrap_or(REST);
        let has_room = flows.len() < FLOWS_MAX || flows.contains_key(&flow);
        *flows.entry(if has_room { flow } else { REST }).or_default() += cost_ms;
    }

    /// How the classes fared that were served within the window. `share` is a class's own.
    pub fn classes(&mut self, now: Moment, share: impl Fn(ClassId) -> f64) -> Vec<ClassFairness> {
        self.forget(now);
        let mut served_ms: BTreeMap<ClassId, BTreeMap<Flow, f64>> = BTreeMap::new();
        for (class, flows) in self.parts.iter().flat_map(|part| &part.served_ms) {
            let sums = served_ms.entry(*class).or_default();
            for (flow, ms) in flows {
                *sums.entry(*flow).or_default() += ms;
            }
        }
        let all_ms: f64 = served_ms.values().flat_map(BTreeMap::values).sum();
        let shares: f64 = served_ms.keys().map(|class| share(*class)).sum();
        let fared = |(class, flows): (&ClassId, &BTreeMap<Flow, f64>)| ClassFairness {
            class: *class,
            share_ratio: (flows.values().sum::<f64>() / all_ms) / (share(*class) / shares),
            jain: jain(flows.values().copied()),
        };
        if all_ms <= 0.0 {
            return Vec::new();
        }
        served_ms.iter().map(fared).collect()
    }

    fn forget(&mut self, now: Moment) {
        while self
            .parts
            .front()
            .is_some_and(|part| now.since(part.since) > WINDOW)
        {
            self.parts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Moment {
        Moment(Duration::from_secs(s))
    }

    const A: ClassId = ClassId(0);
    const B: ClassId = ClassId(1);

    #[test]
    fn the_index_is_one_for_equals_and_one_over_n_for_one_that_has_all() {
        let cases: [(&[f64], f64); 5] = [
            (&[], 1.0),
            (&[0.0, 0.0], 1.0),
            (&[3.0, 3.0, 3.0], 1.0),
            (&[8.0, 0.0, 0.0, 0.0], 0.25),
            (&[1.0, 1.0, 2.0], 16.0 / 18.0),
        ];
        for (had, index) in cases {
            assert_eq!(jain(had.iter().copied()), index, "{had:?}");
        }
    }

    #[test]
    fn a_class_is_measured_by_its_share_and_its_tenants_by_each_other() {
        let mut fairness = Fairness::default();
        for (class, flow, ms) in [(A, 1, 30.0), (A, 2, 30.0), (B, 1, 30.0), (B, 2, 10.0)] {
            fairness.served(class, Some(Flow(flow)), ms, at(1));
        }
        let fared = fairness.classes(at(2), |class| if class == A { 3.0 } else { 1.0 });
        assert_eq!(fared.len(), 2);
        assert!((fared[0].share_ratio - 0.6 / 0.75).abs() < 1e-12);
        assert_eq!(fared[0].jain, 1.0);
        assert!((fared[1].share_ratio - 0.4 / 0.25).abs() < 1e-12);
        assert_eq!(fared[1].jain, 1600.0 / (2.0 * 1000.0));
    }

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let mut fairness = Fairness::default();
        for s in 0..200 {
            fairness.served(A, None, 1.0, at(s));
        }
        assert!(fairness.parts.len() <= PARTS as usize + 1);
        fairness.served(B, None, 1.0, at(200));
        assert_eq!(fairness.classes(at(200), |_| 1.0).len(), 2);
        let later = fairness.classes(at(261), |_| 1.0);
        assert_eq!(later, []);
    }

    #[test]
    fn flows_beyond_the_bound_count_as_one() {
        let mut fairness = Fairness::default();
        for flow in 0..2 * FLOWS_MAX as u64 {
            fairness.served(A, Some(Flow(flow + 1)), 1.0, at(1));
        }
        let flows = &fairness.parts[0].served_ms[&A];
        assert_eq!(flows.len(), FLOWS_MAX + 1);
        assert_eq!(flows[&REST], FLOWS_MAX as f64);
    }
}
