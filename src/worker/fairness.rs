//! Says of late's service how evenly it was divided.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::clock;
use crate::metrics::WorkerMetrics;
use crate::scheduler::facts::ClassId;
use crate::scheduler::fairness::Fairness;
use crate::scheduler::intake::Intake;
use crate::task::ClassName;

use super::queues::Classes;
use super::serve::Done;

/// What the tasks of a process took in the last minute, by class and tenant, whichever of its workers ran them: a process
/// shows one number of each class.
#[derive(Debug, Default)]
pub struct Served(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    fairness: Fairness,
    /// Each worker numbers its classes by itself.
    ids: BTreeMap<ClassName, ClassId>,
    /// By that number.
    shares: Vec<f64>,
}

impl Served {
    /// A task of a worker is done.
    pub(super) fn note(&self, done: &Done, classes: &Classes, intake: &Intake) {
        let class = intake.class_of(done.queue);
        let (Some(cost_ms), Some(name)) = (done.cost_ms, classes.name(class)) else {
            return;
        };
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = books.id(name, intake.terms(class).share);
        books.fairness.served(id, done.flow, cost_ms, clock::monotonic());
    }

    /// Sets the gauges of all classes that a worker knows.
    pub(super) fn tell(&self, classes: &Classes, metrics: &WorkerMetrics) {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Books {
            fairness,
            ids,
            shares,
        } = &mut *books;
        let fared = fairness.classes(clock::monotonic(), |class| shares[class.0]);
        for name in classes.names() {
            let id = ids.get(name);
            let of_class = fared.iter().find(|fared| Some(&fared.class) == id);
            let (share_ratio, jain) = of_class.map_or((0.0, 1.0), |fared| (fared.share_ratio, fared.jain));
            metrics.fairness(name, share_ratio, jain);
        }
    }
}

impl Books {
    fn id(&mut self, name: &ClassName, share: f64) -> ClassId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = ClassId(self.shares.len());
        self.shares.push(share);
        self.ids.insert(name.clone(), id);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::super::queues::begin;
    use super::*;
    use crate::config::default_policy;
    use crate::metrics::rendered;
    use crate::scheduler::facts::Flow;
    use crate::scheduler::intake::QueueId;
    use crate::task::{Lane, Route, Shard};

    /// A worker that serves a queue of each of these classes, numbered in this order.
    fn worker(classes: &[&str]) -> (Intake, Classes) {
        let policy = default_policy();
        let (mut intake, mut known) = begin(&policy, 1, 7);
        for class in classes {
            let route = Route {
                lane: Lane::Core,
                class: ClassName::new(class).unwrap(),
                model: policy.models[0].name.token(),
                shard: Shard::Stable(0),
            };
            known.add(&route, 9, &policy, &mut intake);
        }
        (intake, known)
    }

    fn done(queue: usize, flow: u64, cost_ms: f64) -> Done {
        Done {
            queue: QueueId(queue),
            held: 0,
            flow: Some(Flow(flow)),
            cost_ms: Some(cost_ms),
        }
    }

    fn gauge(text: &str, name: &str, class: &str) -> f64 {
        let line = format!("{name}{{class=\"{class}\"}} ");
        let found = text.lines().find_map(|of| of.strip_prefix(&line));
        found.expect(text).parse().expect("a number")
    }

    #[test]
    fn the_workers_of_a_process_tell_what_all_of_them_served() {
        let served = Served::default();
        let (one, its) = worker(&["payment_processing", "not_in_policy"]);
        let (other, others) = worker(&["payment_processing", "user_auth", "nor_this"]);
        for (queue, flow, ms) in [(0, 1, 30.0), (1, 1, 20.0)] {
            served.note(&done(queue, flow, ms), &its, &one);
        }
        for (queue, flow, ms) in [(0, 2, 10.0), (1, 1, 40.0)] {
            served.note(&done(queue, flow, ms), &others, &other);
        }
        let returned = Done {
            cost_ms: None,
            ..done(2, 1, 0.0)
        };
        served.note(&returned, &others, &other);
        // Whoever tells last says the same.
        for last in [&its, &others] {
            let text = rendered(|| {
                let metrics = WorkerMetrics::new();
                for classes in [&its, &others, last] {
                    served.tell(classes, &metrics);
                }
            });
            // 40, 40 and 20 of 100 ms, by shares of 40, 30 and 1.
            for (class, ratio, jain) in [
                ("payment_processing", 0.4 / (40.0 / 71.0), 0.8),
                ("user_auth", 0.4 / (30.0 / 71.0), 1.0),
                ("not_in_policy", 0.2 / (1.0 / 71.0), 1.0),
                ("nor_this", 0.0, 1.0),
                ("daily_backup", 0.0, 1.0),
            ] {
                let told = gauge(&text, "fairlane_share_ratio", class);
                assert!((told - ratio).abs() < 1e-9, "{class}: {told}, not {ratio}");
                let told = gauge(&text, "fairlane_tenant_jain_index", class);
                assert!((told - jain).abs() < 1e-9, "{class}: {told}, not {jain}");
            }
        }
    }
}
