//! A batch window, case by case and under random events.

use std::collections::BTreeMap;
use std::time::Duration;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{Batch, BatchKey, Batcher, Limits, Reason};
use crate::task::{ModelName, Moment};

fn key(model: &str, shape: u64) -> BatchKey {
    let model = ModelName::new(model).unwrap();
    BatchKey { model, shape }
}

fn at_ms(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

/// What a shell does, at a time in ms.
#[derive(Debug, Clone)]
enum Event {
    Add(BatchKey, u64),
    Idle,
    Busy,
    Look,
}

/// Runs the events, items numbered from 0, and writes down what is handed out after each and when to look next.
fn check(limits: Limits, events: &[(u64, Event)], expected: Expect) {
    let mut batcher = Batcher::new(limits);
    let mut table = String::new();
    let mut item = 0;
    for (ms, event) in events {
        match event {
            Event::Add(key, cost) => {
                batcher.add(key.clone(), item, *cost, at_ms(*ms));
                item += 1;
            }
            Event::Idle => batcher.device_idle(),
            Event::Busy => batcher.device_busy(),
            Event::Look => {}
        }
        while let Some(Batch { key, items, reason }) = batcher.poll(at_ms(*ms)) {
            let (model, shape) = (key.model.as_str(), key.shape);
            table += &format!("{ms} ms: {items:?} of {model}/{shape}, {reason:?}\n");
        }
        if let Some(at) = batcher.next_deadline() {
            table += &format!("{ms} ms: look at {:?}\n", at.0);
        }
    }
    expected.assert_eq(&table);
}

fn add(cost: u64) -> Event {
    Event::Add(key("m", 0), cost)
}

#[test]
fn an_idle_device_starts_at_once_and_a_busy_one_gathers_until_it_is_idle() {
    check(
        Limits::default(),
        &[
            (0, add(1)),
            (1, add(1)),
            (2, add(1)),
            (3, Event::Idle),
            (4, Event::Idle),
            (5, add(1)),
        ],
        expect![[r#"
            0 ms: [0] of m/0, Idle
            1 ms: look at 11ms
            2 ms: look at 11ms
            3 ms: [1, 2] of m/0, Idle
            5 ms: [3] of m/0, Idle
        "#]],
    );
}

#[test]
fn a_batch_starts_when_its_first_item_has_waited_for_the_window() {
    check(
        Limits::default(),
        &[
            (0, Event::Busy),
            (1, add(1)),
            (9, add(1)),
            (10, Event::Look),
            (11, Event::Look),
        ],
        expect![[r#"
            1 ms: look at 11ms
            9 ms: look at 11ms
            10 ms: look at 11ms
            11 ms: [0, 1] of m/0, Window
        "#]],
    );
}

#[test]
fn a_full_batch_starts_on_a_busy_device_too() {
    let limits = Limits {
        size_max: 2,
        ..Limits::default()
    };
    check(
        limits,
        &[(0, Event::Busy), (0, add(1)), (1, add(1)), (2, add(1))],
        expect![[r#"
            0 ms: look at 10ms
            1 ms: [0, 1] of m/0, Full
            2 ms: look at 12ms
        "#]],
    );
}

#[test]
fn an_item_that_would_go_over_the_cost_closes_the_batch_before_it() {
    let limits = Limits {
        cost_max: Some(10),
        ..Limits::default()
    };
    check(
        limits,
        &[
            (0, Event::Busy),
            (0, add(6)),
            (1, add(5)),
            (2, add(5)),
            (3, add(1)),
            (4, add(99)),
            (5, add(u64::MAX)),
        ],
        expect![[r#"
            0 ms: look at 10ms
            1 ms: [0] of m/0, Cost
            1 ms: look at 11ms
            2 ms: [1, 2] of m/0, Cost
            3 ms: look at 13ms
            4 ms: [3] of m/0, Cost
            4 ms: [4] of m/0, Cost
            5 ms: [5] of m/0, Cost
        "#]],
    );
}

#[test]
fn models_and_shapes_are_kept_apart_and_the_oldest_goes_first() {
    let add = |model, shape| Event::Add(key(model, shape), 1);
    check(
        Limits::default(),
        &[
            (0, Event::Busy),
            (1, add("b", 0)),
            (2, add("a", 0)),
            (3, add("a", 1)),
            (4, add("b", 0)),
            (5, Event::Idle),
            (12, Event::Look),
            (13, Event::Look),
        ],
        expect![[r#"
            1 ms: look at 11ms
            2 ms: look at 11ms
            3 ms: look at 11ms
            4 ms: look at 11ms
            5 ms: [0, 3] of b/0, Idle
            5 ms: look at 12ms
            12 ms: [1] of a/0, Window
            12 ms: look at 13ms
            13 ms: [2] of a/1, Window
        "#]],
    );
}

#[test]
fn without_a_window_or_with_one_item_a_batch_every_item_goes_by_itself() {
    let (window, one) = (Duration::ZERO, Limits::default());
    for limits in [
        Limits { window, ..one },
        Limits { size_max: 1, ..one },
        Limits { size_max: 0, ..one },
    ] {
        let mut batcher = Batcher::new(limits);
        batcher.device_busy();
        for item in 0..3 {
            batcher.add(key("m", 0), item, 1, at_ms(item));
            assert_eq!(batcher.next_deadline(), Some(at_ms(item)));
            assert_eq!(batcher.poll(at_ms(item)).unwrap().items, [item], "{limits:?}");
        }
        assert_eq!(batcher.next_deadline(), None);
    }
}

/// When each batch was handed out, and when and with what cost each item was added.
#[derive(Debug, Default)]
struct Run {
    batches: Vec<(Moment, Batch)>,
    added: BTreeMap<u64, (Moment, BatchKey, u64)>,
}

/// A step of random length in µs, and then an event.
type Steps = Vec<(u64, Event)>;

fn steps() -> impl Strategy<Value = Steps> {
    let key = (0_usize..2, 0_u64..2).prop_map(|(model, shape)| key(["a", "b"][model], shape));
    let event = prop_oneof![
        6 => (key, 0_u64..12).prop_map(|(key, cost)| Event::Add(key, cost)),
        1 => Just(Event::Idle),
        1 => Just(Event::Busy),
        1 => Just(Event::Look),
    ];
    prop::collection::vec((0_u64..4_000, event), 0..80)
}

fn limits() -> impl Strategy<Value = Limits> {
    (0_u64..12, 0_u32..6, prop::option::of(0_u64..30)).prop_map(|(ms, size_max, cost_max)| Limits {
        window: Duration::from_millis(ms),
        size_max,
        cost_max,
    })
}

/// Looks at every deadline and after every event, until nothing waits.
fn run(limits: Limits, steps: &Steps) -> Run {
    let mut batcher = Batcher::new(limits);
    let mut run = Run::default();
    let mut now = Moment::default();
    let look = |batcher: &mut Batcher, run: &mut Run, now| {
        while let Some(batch) = batcher.poll(now) {
            run.batches.push((now, batch));
        }
    };
    for (us, event) in steps {
        let then = now + Duration::from_micros(*us);
        while let Some(at) = batcher.next_deadline().filter(|at| *at <= then) {
            look(&mut batcher, &mut run, at);
        }
        now = then;
        match event {
            Event::Add(key, cost) => {
                let item = run.added.len() as u64;
                run.added.insert(item, (now, key.clone(), *cost));
                batcher.add(key.clone(), item, *cost, now);
            }
            Event::Idle => batcher.device_idle(),
            Event::Busy => batcher.device_busy(),
            Event::Look => {}
        }
        look(&mut batcher, &mut run, now);
        assert!(
            batcher.next_deadline().is_none_or(|at| at > now),
            "nothing is left that is due"
        );
    }
    while let Some(at) = batcher.next_deadline() {
        look(&mut batcher, &mut run, at);
    }
    assert_eq!(
        batcher.poll(Moment(Duration::MAX)),
        None,
        "nothing waits without a deadline"
    );
    run
}

proptest! {
    #[test]
    fn a_batch_never_waits_over_its_window(limits in limits(), steps in steps()) {
        let run = run(limits, &steps);
        for (at, batch) in &run.batches {
            for item in &batch.items {
                prop_assert!(at.since(run.added[item].0) <= limits.window, "{:?} at {:?}", batch, at);
            }
        }
    }

    #[test]
    fn no_item_is_lost_or_doubled(limits in limits(), steps in steps()) {
        let run = run(limits, &steps);
        let mut items: Vec<u64> = run.batches.iter().flat_map(|(_, batch)| batch.items.clone()).collect();
        items.sort_unstable();
        prop_assert_eq!(items, run.added.keys().copied().collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_has_one_key_and_keeps_its_bounds(limits in limits(), steps in steps()) {
        let run = run(limits, &steps);
        for (_, batch) in &run.batches {
            let size = batch.items.len();
            prop_assert!(batch.items.iter().all(|item| run.added[item].1 == batch.key));
            prop_assert!(size >= 1 && size <= limits.size_max.max(1) as usize);
            let cost: u64 = batch.items.iter().map(|item| run.added[item].2).sum();
            prop_assert!(size == 1 || limits.cost_max.is_none_or(|max| cost <= max), "{:?} costs {}", batch, cost);
            if batch.reason == Reason::Full {
                prop_assert_eq!(size, limits.size_max.max(1) as usize);
            }
        }
    }

    #[test]
    fn items_of_one_key_leave_in_the_order_they_came(limits in limits(), steps in steps()) {
        let run = run(limits, &steps);
        let mut last: BTreeMap<&BatchKey, u64> = BTreeMap::new();
        for (_, batch) in &run.batches {
            for item in &batch.items {
                let before = last.insert(&batch.key, *item);
                prop_assert!(before.is_none_or(|before| before < *item));
            }
        }
    }
}
