//! Equal tasks leave in order of arrival.

use proptest::prelude::*;

use super::stage::{Job, Stage, rules};
use crate::scheduler::facts::{Flow, Head, Ticket};
use crate::scheduler::lookahead::Window;
use crate::scheduler::picker::Sight;
use crate::scheduler::rules::{Between, ClassTerms, Infeasible, LookAhead, MlfqRules, Order, ScoreWeights};
use crate::task::Moment;

/// The rules that compare heads.
fn by_heads() -> impl Strategy<Value = Between> {
    prop_oneof![
        Just(Between::Fifo),
        Just(Between::Edf {
            infeasible: Infeasible::Serve
        }),
        Just(Between::Aging),
        Just(Between::Score(ScoreWeights::default())),
        Just(Between::Mlfq(MlfqRules::default())),
    ]
}

fn terms(slo_ms: Option<u64>) -> ClassTerms {
    ClassTerms {
        slo_ms,
        ..ClassTerms::new(3.0, 1)
    }
}

fn equal(since: Moment) -> Head {
    Head {
        flow: Some(Flow(7)),
        urgency: 5.0,
        business_weight: 2.0,
        cost_ms: Some(20.0),
        ..Head::arrived(since)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn between_queues_equal_tasks_leave_in_order_of_arrival(
        between in by_heads(),
        bypass_max in prop::option::of(1_u32..8),
        slo_ms in prop::option::of(10_u64..5_000),
        steps in prop::collection::vec((0_usize..6, 0_u64..2_000, 0_u32..3), 1..200),
    ) {
        let mut stage = Stage::new(rules(between, bypass_max), &[terms(slo_ms); 3], 2);
        for (queue, after_ms, served) in steps {
            stage.pass(after_ms);
            let job = Job::of(equal(stage.now), 20.0);
            stage.put(queue, job);
            for _ in 0..served {
                let oldest = stage.ready().map(|(_, job)| job.head.since).min();
                let left = stage.serve_one(Sight::Heads).map(|(_, job)| job.head.since);
                prop_assert_eq!(left, oldest);
            }
        }
    }

    #[test]
    fn within_a_window_equal_tasks_leave_in_order_of_arrival(
        order in prop_oneof![
            Just(Order::Fifo),
            Just(Order::Edf),
            (0.01_f64..10.0).prop_map(|alpha| Order::Aged { alpha }),
        ],
        slo_ms in prop::option::of(10_u64..5_000),
        bypass_max in 1_u32..8,
        steps in prop::collection::vec((0_u64..2_000, 0_u32..3), 1..200),
    ) {
        let lookahead = LookAhead { window: 64, order, bypass_max };
        let terms = ClassTerms { lookahead, ..terms(slo_ms) };
        let mut window = Window::default();
        let (mut now_ms, mut oldest) = (0, 0);
        for (ticket, (after_ms, taken)) in (0..).zip(steps) {
            now_ms += after_ms;
            window.add(Ticket(ticket), equal(Moment(std::time::Duration::from_millis(now_ms))), 20.0);
            for _ in 0..taken {
                if let Some(kept) = window.take(&terms) {
                    prop_assert_eq!(kept.ticket, Ticket(oldest));
                    oldest += 1;
                }
            }
        }
    }
}
