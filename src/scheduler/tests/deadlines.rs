//! The earliest deadline first meets what can be met.

use std::time::Duration;

use proptest::prelude::*;

use super::stage::{Job, Stage, rules};
use crate::scheduler::edf;
use crate::scheduler::facts::{Head, Ticket};
use crate::scheduler::lookahead::Window;
use crate::scheduler::picker::Sight;
use crate::scheduler::rules::{Between, ClassTerms, Infeasible, LookAhead, Order};
use crate::task::Moment;

const UNIT_MS: u64 = 10;

fn at(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

fn due(ms: u64) -> Head {
    Head {
        deadline: Some(at(ms)),
        ..Head::arrived(Moment::default())
    }
}

/// Deadlines of tasks of one unit that one slot can keep: the k-th of them is k units away or more.
fn feasible() -> impl Strategy<Value = Vec<u64>> {
    let slack = prop_oneof![2 => Just(0), 1 => 0..5 * UNIT_MS];
    prop::collection::vec(slack, 1..40)
        .prop_map(|slack| (1..).zip(slack).map(|(k, slack)| k * UNIT_MS + slack).collect())
        .prop_shuffle()
}

/// Whether all `count` of them are served, and each is done by its deadline, in this order.
fn all_are_met(count: usize, order: impl Iterator<Item = Moment>) -> bool {
    let order: Vec<Moment> = order.collect();
    order.len() == count && (1..).zip(order).all(|(k, due)| at(k * UNIT_MS) <= due)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_window_in_order_of_deadlines_meets_every_set_of_unit_tasks_that_can_be_met(due_ms in feasible()) {
        let mut sorted = due_ms.clone();
        sorted.sort_unstable();
        prop_assert!(all_are_met(due_ms.len(), sorted.into_iter().map(at)), "no order would do");

        let count = u32::try_from(due_ms.len()).unwrap();
        let lookahead = LookAhead { window: count, order: Order::Edf, bypass_max: count };
        let terms = ClassTerms { lookahead, ..ClassTerms::new(1.0, 1) };
        let mut window = Window::default();
        for (ticket, due_ms) in (0..).zip(&due_ms) {
            window.add(Ticket(ticket), due(*due_ms), UNIT_MS as f64);
        }
        let served = std::iter::from_fn(|| window.take(&terms));
        prop_assert!(all_are_met(due_ms.len(), served.filter_map(|kept| edf::deadline(&kept.head, &terms))));
    }

    /// Where within each queue the earlier deadline is ahead; a queue shows its head only.
    #[test]
    fn queues_in_order_of_deadlines_meet_every_set_of_unit_tasks_that_can_be_met(
        due_ms in feasible(),
        queues in prop::collection::vec(0_usize..8, 40),
    ) {
        let count = due_ms.len();
        let mut tasks: Vec<(u64, usize)> = due_ms.into_iter().zip(queues).collect();
        tasks.sort_unstable();
        let between = Between::Edf { infeasible: Infeasible::Serve };
        let mut stage = Stage::new(rules(between, None), &[ClassTerms::new(1.0, 1); 4], 2);
        for (due_ms, queue) in tasks {
            stage.put(queue, Job::of(due(due_ms), UNIT_MS as f64));
        }
        let served = std::iter::from_fn(|| stage.serve(Sight::Heads));
        prop_assert!(all_are_met(count, served.filter_map(|(_, job)| job.head.deadline)));
    }
}
