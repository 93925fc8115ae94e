//! How often a task of a window is passed over.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::play::job;
use crate::scheduler::facts::{Flow, Head, Ticket};
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

fn fifo(window: u32, bypass_max: u32) -> ClassTerms {
    let lookahead = LookAhead {
        window,
        order: Order::Fifo,
        bypass_max,
    };
    ClassTerms {
        lookahead,
        ..ClassTerms::new(1.0, 1)
    }
}

fn of(flow: u64, n: u64) -> Head {
    Head {
        flow: Some(Flow(flow)),
        ..Head::arrived(Moment(Duration::from_millis(n)))
    }
}

/// Picks of each of two flows that always have a task, when the second one's tasks say that they cost `says_ms`.
fn served(window: &mut Window, picks: u64, says_ms: f64) -> [u64; 2] {
    let terms = fifo(8, 1_000);
    let mut picked = [0; 2];
    for flow in [1, 2] {
        (0..4).for_each(|n| window.add(Ticket(n), of(flow, n), if flow == 1 { 10.0 } else { says_ms }));
    }
    for n in 4..picks + 4 {
        let taken = window.take(&terms).unwrap();
        let Flow(flow) = taken.head.flow.unwrap();
        window.charge(Flow(flow), 10.0);
        picked[flow as usize - 1] += 1;
        window.add(Ticket(n), of(flow, n), taken.cost_ms);
    }
    picked
}

#[test]
fn a_tenant_gains_nothing_by_what_its_tasks_say_of_their_cost() {
    for says_ms in [0.0, 10.0, 1e6] {
        assert_eq!(
            served(&mut Window::default(), 100, says_ms),
            [50, 50],
            "{says_ms}"
        );
    }
}

#[test]
fn a_tenant_saves_up_no_service_while_another_one_is_served_alone() {
    let mut window = Window::default();
    let terms = fifo(8, 1_000);
    for n in 0..1_000 {
        window.add(Ticket(n), of(1, n), 10.0);
        window.take(&terms).unwrap();
        window.charge(Flow(1), 10.0);
    }
    let [veteran, newcomer] = served(&mut window, 100, 10.0);
    assert!(
        (49..=51).contains(&veteran) && veteran + newcomer == 100,
        "{veteran} {newcomer}"
    );
}

#[test]
fn counters_of_many_tenants_are_bounded_and_the_ones_here_are_kept() {
    let mut window = Window::default();
    window.add(Ticket(0), of(0, 0), 10.0);
    window.charge(Flow(0), 1e9);
    for flow in 1..20_000 {
        window.charge(Flow(flow), flow as f64);
    }
    assert!(window.counters() <= 4_096);
    window.add(Ticket(1), of(30_000, 1), 10.0);
    window.charge(Flow(0), 1.0);
    assert_eq!(window.take(&fifo(8, 1_000)).unwrap().ticket, Ticket(1));
}
