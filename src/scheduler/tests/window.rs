//! How often a task of a window is passed over.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::play::job;
use crate::scheduler::facts::{Head, Ticket};
use crate::scheduler::lookahead::Window;
use crate::scheduler::rules::{ClassTerms, LookAhead, Order};
use crate::task::Moment;

const WINDOW: u32 = 16;

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![
        Just(Order::Fifo),
        Just(Order::Edf),
        (0.001_f64..10.0).prop_map(|alpha| Order::Aged { alpha }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Tasks that were handed back come with the time they were first enqueued at, so the earlier one may come later.
    #[test]
    fn a_task_of_a_window_is_passed_over_by_no_more_later_ones_than_its_bound(
        order in order(),
        bypass_max in 1_u32..8,
        slo_ms in prop::option::of(10_u64..5_000),
        steps in prop::collection::vec((job(), 0_u64..10_000, prop::option::of(0_u64..5_000), any::<bool>()), 1..300),
    ) {
        let lookahead = LookAhead { window: WINDOW, order, bypass_max };
        let terms = ClassTerms { slo_ms, lookahead, ..ClassTerms::new(1.0, 1) };
        let mut window = Window::default();
        let mut passed: BTreeMap<Ticket, (Moment, u32)> = BTreeMap::new();
        for (ticket, (job, since_ms, due_ms, is_taken)) in (0..).map(Ticket).zip(steps) {
            let since = Moment(Duration::from_millis(since_ms));
            let deadline = due_ms.map(|ms| since + Duration::from_millis(ms));
            if window.len() < WINDOW as usize {
                window.add(ticket, Head { since, deadline, ..job.head }, job.cost_ms);
                passed.insert(ticket, (since, 0));
            }
            let Some(taken) = is_taken.then(|| window.take(&terms)).flatten() else { continue };
            passed.remove(&taken.ticket);
            for (since, times) in passed.values_mut() {
                *times += u32::from(*since < taken.head.since);
                prop_assert!(*times <= bypass_max, "{times} of {bypass_max}");
            }
        }
    }
}
